/** `build-graph`: a recipe becomes a folder of ONNX graphs, their initial state and the manifest. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../src/atomic';
import { UserError } from '../src/errors';
import { AVERAGE, type GraphName, type Manifest } from '../src/bundle/manifest';
import type { Recipe } from '../src/bundle/recipe';
import { writeSafetensors } from '../src/export/safetensors';
import { emitGraph, OPSET, toModel } from '../src/graph/emit';
import { Graph } from '../src/graph/graph';
import type { LoweringOptions } from '../src/lowering/context';
import { OPTIMIZATIONS, type Optimization } from '../src/lowering/optimizations';
import { lower } from '../src/lowering/lower';
import { Context } from '../src/nn/context';
import { initialValues } from '../src/nn/state';
import { sizeOf } from '../src/graph/shape';
import type { HostTensor } from '../src/onnx/dtype';
import { writeModel } from '../src/onnx/files';
import type { OnnxGraph } from '../src/onnx/model';
import { optimize } from '../src/passes';
import { multiplyAdds, peakBytes } from '../src/passes/cost';
import { separateBuffers } from '../src/passes/buffers';
import { recompute } from '../src/passes/recompute';
import { choicesOf, parseTable } from '../src/tuning/table';
import { version } from '../package.json';
import cpuTable from './tuned/cpu.json';
import { loopGraph } from './loop';
import { applyGraph, encoderGraph, evalGraph, gradGraph, programOf, stateEntries, trainGraph } from './step';
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
function initialState(recipe: Recipe, state: Manifest['state']): Map<string, HostTensor> {
  const context = new Context(new Graph('names'), { training: true });
  context.bind(programOf(recipe).modules);
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

const CPU_CHOICES = choicesOf(parseTable(cpuTable, 'graphs/tuned/cpu.json'));

/** How a recipe wants its graphs spelled. Throws a UserError where `without` names what is no optimization. */
export function loweringOptions({ provider, precision, without }: Recipe): LoweringOptions {
  const isName = (name: string): name is Optimization => Object.hasOwn(OPTIMIZATIONS, name);
  const unknown = without.find((name) => !isName(name));
  if (unknown !== undefined) {
    const names = Object.keys(OPTIMIZATIONS).join(', ');
    throw new UserError(`recipe: without: there is no optimization ${unknown}; there are: ${names}`);
  }
  // The choices for other shapes, processors and providers are the rule table's.
  const tuned = provider === 'cpu' ? CPU_CHOICES : undefined;
  return { provider, precision, without: without.filter(isName), tuned };
}

/**
 * Writes the bundle of `recipe` into `<directory>/graph`, replacing an older one as a whole. The same recipe gives the same
 * bytes. `lowering` has the last word over what the recipe says of the lowering.
 */
export function buildBundle(
  recipeName: string,
  recipe: Recipe,
  directory: string,
  lowering: Partial<LoweringOptions> = {},
): BundleSummary {
  const own = loweringOptions(recipe);
  const options = { ...own, ...lowering, tuned: lowering.tuned ?? own.tuned };
  const lowered = ({ graph, contract }: StepGraph) => {
    const spelled = optimize(lower(graph, options));
    const planned = recipe.recompute === 'none' ? spelled : recompute(spelled, recipe.recompute);
    return { graph: separateBuffers(planned), contract };
  };
  const train = lowered(trainGraph(recipe));
  const built: Partial<Record<GraphName, { graph: OnnxGraph; contract: StepGraph['contract'] }>> = {
    train: { graph: emitGraph(train.graph), contract: train.contract },
    'train-loop': loopGraph(train.graph, train.contract),
  };
  for (const { graph, contract } of [gradGraph, applyGraph, evalGraph, encoderGraph].map((make) =>
    lowered(make(recipe)),
  )) {
    built[graph.name as GraphName] = { graph: emitGraph(graph), contract };
  }

  const state = stateEntries(recipe, train);
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
      Object.entries(built).map(([name, { contract }]) => [name, { file: `${name}.onnx`, ...contract }]),
    ) as Manifest['graphs'],
  };

  const target = path.join(directory, 'graph');
  const temporary = path.join(directory, `.graph-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    for (const [name, { graph }] of Object.entries(built)) {
      writeModel(path.join(temporary, `${name}.onnx`), toModel(graph, { recipe: recipeName }));
    }
    writeSafetensors(path.join(temporary, manifest.initialState), initialState(recipe, state), {
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
