/** `build-graph`: a recipe becomes a folder of ONNX graphs, their initial state and the manifest. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileError, writeFileAtomic } from '../base/files';
import { Staging } from '../base/staging';
import type { Manifest } from '../bundle/manifest';
import type { Recipe } from '../bundle/recipe';
import { writeSafetensors } from '../tensors/safetensors';
import { emitGraph, OPSET, toModel } from '../graph/emit';
import type { LoweringOptions } from '../lowering/context';
import { sizeOf } from '../tensors/dtype';
import { writeModel } from '../onnx/files';
import { multiplyAdds, peakBytes } from '../passes/cost';
import { version } from '../../package.json';
import { initialState } from './initialState';
import { loopGraph } from './loop';
import { loweringOptions, lowerStep } from './lowering';
import { applyGraph, encoderGraph, evalGraph, gradGraph, stateEntries, stateOf, trainGraph } from './step';
import type { Task } from './task';
import type { StepGraph } from './ports';

export interface BundleSummary {
  readonly directory: string;
  readonly manifest: Manifest;
  /** estimated peak of one training step's tensors, bytes */
  readonly peakBytes: number;
  /** nodes of train.onnx */
  readonly nodes: number;
}

/**
 * Writes the bundle of `recipe` into `<directory>/graph`, replacing an older one as a whole. The same recipe gives the same
 * bytes. `lowering` has the last word over what the recipe says of the lowering.
 */
export function writeBundle(
  task: Task,
  recipeName: string,
  recipe: Recipe,
  directory: string,
  lowering: Partial<LoweringOptions> = {},
): BundleSummary {
  const options = { ...loweringOptions(recipe), ...lowering };
  const lowered = ({ graph, contract }: StepGraph) => ({
    graph: lowerStep(graph, options, recipe.recompute),
    contract,
  });
  const train = lowered(trainGraph(task, recipe));
  const built = [
    train,
    loopGraph(train),
    ...[gradGraph, applyGraph, evalGraph, encoderGraph].map((make) => lowered(make(task, recipe))),
  ];

  const state = stateEntries(task, recipe, train);
  const trainable = state.filter((entry) => entry.kind === 'parameter');
  const manifest: Manifest = {
    formatVersion: 1,
    producer: `selfie-onnx ${version}`,
    recipeName,
    recipe,
    provider: recipe.provider,
    opset: OPSET,
    initialState: 'init.safetensors',
    state,
    parameters: trainable.reduce((sum, entry) => sum + sizeOf(entry.shape), 0),
    multiplyAdds: multiplyAdds(train.graph),
    graphs: Object.fromEntries(
      built.map(({ graph: { name }, contract }) => [name, { file: `${name}.onnx`, ...contract }]),
    ) as Manifest['graphs'],
  };

  const target = path.join(directory, 'graph');
  let staging: Staging | undefined;
  try {
    staging = new Staging(target);
    const temporary = staging.inside('new');
    mkdirSync(temporary);
    for (const { graph } of built) {
      writeModel(
        path.join(temporary, `${graph.name}.onnx`),
        toModel(emitGraph(graph), { recipe: recipeName }),
      );
    }
    writeSafetensors(
      path.join(temporary, manifest.initialState),
      initialState(state, stateOf(task, recipe).bound, recipe),
      { format: 'pt' },
    );
    writeFileAtomic(path.join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    staging.commit([['new', target]]);
  } catch (error) {
    throw fileError('write', target, error);
  } finally {
    staging?.close();
  }
  return {
    directory: target,
    manifest,
    peakBytes: peakBytes(train.graph),
    nodes: train.graph.nodes.length,
  };
}
