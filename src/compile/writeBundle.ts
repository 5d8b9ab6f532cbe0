/** `build-graph`: a recipe becomes a folder of ONNX graphs, their initial state and the manifest. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { AVERAGE, type Manifest } from '../bundle/manifest';
import type { Recipe } from '../bundle/recipe';
import { writeSafetensors } from '../tensors/safetensors';
import { emitGraph, OPSET, toModel } from '../graph/emit';
import { Graph } from '../graph/graph';
import type { LoweringOptions } from '../lowering/context';
import { Context } from '../nn/context';
import { initialValues } from '../nn/state';
import { type HostTensor, sizeOf } from '../tensors/dtype';
import { writeModel } from '../onnx/files';
import { multiplyAdds, peakBytes } from '../passes/cost';
import { version } from '../../package.json';
import { loopGraph } from './loop';
import { loweringOptions, lowerStep } from './lowering';
import { applyGraph, encoderGraph, evalGraph, gradGraph, stateEntries, trainGraph } from './step';
import type { Task } from './task';
import type { StepGraph } from './ports';
import { LOSS_SCALE } from './update';

export interface BundleSummary {
  readonly directory: string;
  readonly manifest: Manifest;
  /** estimated peak of one training step's tensors, bytes */
  readonly peakBytes: number;
  /** nodes of train.onnx */
  readonly nodes: number;
}

/** The initial value of every state tensor: parameters and statistics by their own rule, other optimizer state zero. */
function initialState(task: Task, recipe: Recipe, state: Manifest['state']): Map<string, HostTensor> {
  const context = new Context(new Graph('names'), { training: true });
  context.bind(task(recipe).modules);
  const own = new Map(context.bound.map((bound) => [bound.name, bound.state]));
  return new Map(
    state.map(({ name, shape }) => {
      // A moving average starts where its tensor does.
      const source = name.startsWith(AVERAGE) ? name.slice(AVERAGE.length) : name;
      const tensor = own.get(source);
      const data = tensor
        ? initialValues(source, tensor, recipe.seed)
        : new Float32Array(sizeOf(shape)).fill(name === LOSS_SCALE ? recipe.lossScale.initial : 0);
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
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
  const temporary = path.join(directory, `.graph-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    for (const { graph } of built) {
      writeModel(
        path.join(temporary, `${graph.name}.onnx`),
        toModel(emitGraph(graph), { recipe: recipeName }),
      );
    }
    writeSafetensors(path.join(temporary, manifest.initialState), initialState(task, recipe, state), {
      format: 'pt',
    });
    writeFileAtomic(path.join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return {
    directory: target,
    manifest,
    peakBytes: peakBytes(train.graph),
    nodes: train.graph.nodes.length,
  };
}
