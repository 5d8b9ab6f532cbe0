/**
 * The graphs of one task: a whole training step, the step cut in two (gradients, update), evaluation, inference. Each comes
 * as composites, with the roles of its inputs and outputs.
 */
import { AVERAGE, type StateEntry } from '../bundle/manifest';
import { imageDims, imageShape } from '../bundle/imageShape';
import type { Recipe } from '../bundle/recipe';
import { gradients } from '../autodiff/gradients';
import { Graph, type Value } from '../graph/graph';
import { Context, type BuildSettings } from '../nn/context';
import { normalize } from '../nn/images';
import { RunningStatistic } from '../nn/state';
import type { DType } from '../tensors/dtype';
import { pixelType } from '../tensors/pixels';
import { allFinite } from '../optim/lossScale';
import { cast, mul, where } from '../ops/elementwise';
import { reduceMean } from '../ops/reduce';
import { mixedPrecision } from '../passes/mixedPrecision';
import { averagesOf, type Averages } from './average';
import type { BatchInput, Program, Task } from './task';
import { Ports, type StepGraph } from './ports';
import { LOSS_SCALE, update } from './update';

const batchPorts = (ports: Ports, inputs: readonly BatchInput[], batch: number): Record<string, Value> =>
  Object.fromEntries(
    inputs.map(({ name, dtype, shape, ratio = 1 }) => [
      name,
      ports.input('batch', name, dtype, [ratio * batch, ...shape]),
    ]),
  );

/** The network's state as inputs, after the ports that came before; with `prefix` another set of the same shapes. */
function bind(ports: Ports, program: Program, settings: BuildSettings, prefix = ''): Context {
  const context = new Context(ports.graph, settings);
  context.bind(program.modules, prefix);
  context.bound.forEach(({ name, value }) => ports.note('state', name, value.dtype, value.shape));
  return context;
}

const isMixed = (recipe: Recipe, dtype: DType) => recipe.compute === 'float16' && dtype === 'float32';

/**
 * Forward and backward: metrics, updates of running statistics, and the gradient of each parameter, with mixed precision
 * times the loss scale.
 */
function forwardAndBackward(ports: Ports, task: Task, recipe: Recipe, dtype: DType) {
  const program = task(recipe);
  const batch = batchPorts(ports, [...program.batchInputs, ...(program.trainingInputs ?? [])], recipe.batch);
  const dropoutSeed = program.usesDropout ? ports.input('random', 'dropout_seed', 'int64', []) : undefined;
  if (program.usesMixup) batch.mixup_weight = ports.input('random', 'mixup_weight', 'float32', []);
  const learningRate = () => ports.input('hyper', 'learning_rate', 'float32', []);
  return {
    learningRate,
    run: (averages: Averages | null) => {
      const context = bind(ports, program, { training: true, dtype, dropoutSeed });
      const result = program.forward(context, batch);
      const loss = reduceMean(result.loss, [0]);
      ports.output('metric', 'loss', loss);
      for (const [name, value] of Object.entries(result.metrics)) {
        ports.output('metric', name, reduceMean(value, [0]));
      }
      const parameters = context.parameters;
      const scale = isMixed(recipe, dtype) ? ports.input('state', LOSS_SCALE, 'float32', []) : null;
      const grads = gradients(
        scale ? ports.graph.scope('loss_scale', () => mul(loss, scale)) : loss,
        parameters.map((p) => p.value),
      );
      /** Where `finite` is given and false, they stay as they were. */
      const writeStatistics = (finite: Value | null) => {
        for (const { name, value, next } of context.statistics) {
          const kept = finite ? where(finite, next, value) : next;
          ports.next(name, kept);
          averages?.follow(name, kept);
        }
      };
      return { parameters, grads, scale, writeStatistics };
    },
  };
}

/** The finished graph, in the recipe's precision. */
function finish(ports: Ports, recipe: Recipe, dtype: DType): StepGraph {
  const { graph, contract } = ports.done();
  return { graph: isMixed(recipe, dtype) ? mixedPrecision(graph) : graph, contract };
}

/** One training step: batch, random, hyper, state -> metrics, next state. */
export function trainGraph(task: Task, recipe: Recipe, dtype: DType = 'float32'): StepGraph {
  const ports = new Ports(new Graph('train'));
  const step = forwardAndBackward(ports, task, recipe, dtype);
  const rate = step.learningRate();
  const learningRate = dtype === 'float32' ? rate : cast(rate, dtype);
  const averages = averagesOf(ports, recipe);
  const { parameters, grads, scale, writeStatistics } = step.run(averages);
  writeStatistics(update(ports, recipe, parameters, grads, learningRate, scale, averages));
  return finish(ports, recipe, dtype);
}

/**
 * The step's first half: batch, random, state -> metrics, gradients, running statistics. With a loss scale the gradients
 * are times the scale, and the statistics of a batch that overflowed stay as they were.
 */
export function gradGraph(task: Task, recipe: Recipe): StepGraph {
  const ports = new Ports(new Graph('grad'));
  const step = forwardAndBackward(ports, task, recipe, 'float32');
  const { parameters, grads, scale, writeStatistics } = step.run(averagesOf(ports, recipe));
  parameters.forEach(({ name }, i) => ports.output('gradient', `grad.${name}`, grads[i]));
  writeStatistics(scale && allFinite(grads));
  return finish(ports, recipe, 'float32');
}

/** The step's second half: gradients, hyper, parameters and optimizer state -> next state. */
export function applyGraph(task: Task, recipe: Recipe): StepGraph {
  const graph = new Graph('apply');
  const ports = new Ports(graph);
  const learningRate = ports.input('hyper', 'learning_rate', 'float32', []);
  const averages = averagesOf(ports, recipe);
  const trainable = stateOf(task, recipe).parameters;
  const grads = trainable.map(({ name, value }) =>
    ports.input('gradient', `grad.${name}`, value.dtype, value.shape),
  );
  const parameters = trainable.map(({ name, state, value }) => ({
    name,
    state,
    value: ports.input('state', name, value.dtype, value.shape),
  }));
  const scale = isMixed(recipe, 'float32') ? ports.input('state', LOSS_SCALE, 'float32', []) : null;
  update(ports, recipe, parameters, grads, learningRate, scale, averages);
  return ports.done();
}

/** Before the names of the state that evaluation and inference take: the moving averages, where there are some. */
const evaluatedState = ({ average }: Recipe) => (average.decay > 0 ? AVERAGE : '');

/** Evaluation with running statistics and without dropout: batch, state -> metrics and predictions of each example. */
export function evalGraph(task: Task, recipe: Recipe): StepGraph {
  const ports = new Ports(new Graph('eval'));
  const program = task(recipe);
  const batch = batchPorts(ports, program.batchInputs, recipe.batch);
  const context = bind(ports, program, { training: false }, evaluatedState(recipe));
  const { loss, metrics, predictions } = program.forward(context, batch);
  ports.output('metric', 'loss', loss);
  Object.entries(metrics).forEach(([name, value]) => ports.output('metric', name, value));
  Object.entries(predictions).forEach(([name, value]) => ports.output('prediction', name, value));
  return ports.done();
}

/**
 * Inference on whole images with a batch size of the caller's choice. Where others begin or look in has a name: `pixels`, the
 * normalized images [batch, C, size, size], and `map`, where the embedding is the average of one.
 */
export function encoderGraph(task: Task, recipe: Recipe): StepGraph {
  const ports = new Ports(new Graph('encoder'));
  const program = task(recipe);
  const pixelDtype = pixelType(imageShape(recipe.image).bits);
  const images = ports.input('batch', 'images', pixelDtype, ['batch', ...imageDims(recipe.image)]);
  const context = bind(ports, program, { training: false }, evaluatedState(recipe));
  const pixels = ports.graph.label('pixels', normalize(images, recipe.image, context.dtype));
  const { outputs, map } = program.infer(context, pixels);
  if (map) ports.graph.label('map', map);
  Object.entries(outputs).forEach(([name, value]) => ports.output('prediction', name, value));
  return ports.done();
}

/** The network's state by name, in a graph that is for nothing else. */
export function stateOf(task: Task, recipe: Recipe): Context {
  const context = new Context(new Graph('names'), { training: true });
  context.bind(task(recipe).modules);
  return context;
}

/** Every state tensor of a training run, in the order of the training graph's inputs. */
export function stateEntries(task: Task, recipe: Recipe, train: StepGraph): StateEntry[] {
  const kinds = new Map(
    stateOf(task, recipe).bound.map(
      ({ name, state }) => [name, state instanceof RunningStatistic ? 'buffer' : 'parameter'] as const,
    ),
  );
  return train.contract.inputs
    .filter((port) => port.role === 'state')
    .map((port) => ({
      name: port.name,
      dtype: port.dtype as StateEntry['dtype'],
      shape: port.shape as number[],
      kind: kinds.get(port.name) ?? (port.name.startsWith(AVERAGE) ? 'average' : 'optimizer'),
      part: partOf(port.name, recipe),
    }));
}

/** The piece of the network a state tensor belongs to (see StateEntry.part). */
function partOf(name: string, { network }: Recipe): string {
  const [first] = name.replace(/^(optim\.[a-z_]+|ema)\./, '').split('.');
  if (first === 'conv1' || first === 'bn1') return 'stem';
  return first === 'norm' ? `norm-after-layer${network.stages.length}` : first;
}
