/** The stored cases of tiny networks (tools/reference/step_fixtures.py): recipe, initial state, batch, learning rates. */
import { readFileSync } from 'node:fs';
import { recipeSchema, type Recipe } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/export/safetensors';
import type { HostTensor } from '../../src/onnx/dtype';
import { fixture } from './paths';

export interface TorchCase {
  readonly recipe: Recipe;
  readonly learningRates: readonly number[];
  readonly state: ReadonlyMap<string, HostTensor>;
  readonly batch: ReadonlyMap<string, HostTensor>;
}

/** `changes` replaces keys of the recipe, whole sections at a time. */
export function torchCase(name: string, changes: Readonly<Partial<Recipe>> = {}): TorchCase {
  const { recipe, learningRates } = JSON.parse(readFileSync(fixture('torch', `${name}.json`), 'utf8')) as {
    recipe: object;
    learningRates: number[];
  };
  const { tensors } = readSafetensors(fixture('torch', `${name}.safetensors`));
  const under = (prefix: string) =>
    new Map(
      [...tensors].flatMap(([key, tensor]) =>
        key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), tensor] as const] : [],
      ),
    );
  return {
    recipe: recipeSchema.parse({ ...recipe, ...changes }),
    learningRates,
    state: under('initial'),
    batch: under('batch'),
  };
}
