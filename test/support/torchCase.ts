/** The stored cases of tiny networks (tools/reference/step_fixtures.py): recipe, initial state, batch, scalars, PyTorch's numbers. */
import { readFileSync } from 'node:fs';
import { recipeSchema, type Recipe } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { fixture } from './paths';

interface Index {
  readonly recipe: object;
  readonly learningRates: readonly number[];
  readonly scalars?: Readonly<Record<string, readonly number[]>>;
  readonly f64: Readonly<Record<string, readonly number[]>>;
  readonly averagedLoss?: readonly number[];
}

export interface TorchCase extends Pick<Index, 'learningRates' | 'f64' | 'averagedLoss'> {
  readonly recipe: Recipe;
  readonly state: ReadonlyMap<string, HostTensor>;
  readonly batch: ReadonlyMap<string, HostTensor>;
  /** float32 values of scalar inputs by name, `learning_rate` among them, one a step */
  readonly scalars: Readonly<Record<string, readonly number[]>>;
  /** the stored tensors whose names start with `<prefix>/`, by the rest of their name */
  under(prefix: string): Map<string, HostTensor>;
}

/** `changes` replaces keys of the recipe, whole sections at a time. */
export function torchCase(name: string, changes: Readonly<Partial<Recipe>> = {}): TorchCase {
  const index = JSON.parse(readFileSync(fixture('torch', `${name}.json`), 'utf8')) as Index;
  const { recipe, learningRates, scalars, f64, averagedLoss } = index;
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
    f64,
    averagedLoss,
    state: under('initial'),
    batch: under('batch'),
    scalars: { learning_rate: learningRates, ...scalars },
    under,
  };
}

/** What the scalar inputs of training are fed with in step `step`. */
export const scalarsAt = (
  { scalars }: Pick<TorchCase, 'scalars'>,
  step: number,
): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(scalars).map(([name, values]) => [
      name,
      { dtype: 'float32', shape: [], data: Float32Array.of(values[step]) },
    ]),
  );
