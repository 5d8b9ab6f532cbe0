/** The training step of any network and loss as one ONNX model: for training that needs no task, recipe or bundle. */
import { UserError } from '../base/errors';
import { gradients } from '../autodiff/gradients';
import { recipeSchema, type RecipeInput } from '../bundle/recipe';
import type { TrainStep } from '../bundle/trainStep';
import { emitGraph, toModel } from '../graph/emit';
import { inputName, type Value } from '../graph/graph';
import type { LoweringOptions } from '../lowering/context';
import type { Context } from '../nn/context';
import { initialValues, RunningStatistic } from '../nn/state';
import { encodeModel } from '../onnx/encode';
import { sizeOf, type HostTensor } from '../tensors/dtype';
import { lowerStep } from './lowering';
import { Ports } from './ports';
import { update } from './update';

export interface TrainStepOptions {
  /** of the initial parameters, default 0 */
  readonly seed?: number;
  readonly provider?: LoweringOptions['provider'];
}

/**
 * Forward, backward and optimizer of `loss`, a scalar of the graph that `context` builds in training, over the parameters that
 * are bound to the context. `optimizer` is as in a recipe. Inputs of the model: the graph's own, `learning_rate` [], and the
 * state: parameters, running statistics, the optimizer's tensors. Outputs: what the graph has already, `loss`, and
 * `next.x` for each state x. UserError for a loss that is no scalar, and where nothing is to be trained.
 */
export function trainStep(
  context: Context,
  loss: Value,
  optimizer: NonNullable<RecipeInput['optimizer']> = {},
  { seed = 0, provider = 'cpu' }: TrainStepOptions = {},
): TrainStep {
  const { graph, bound, parameters } = context;
  if (loss.rank !== 0)
    throw new UserError(`trainStep: the loss has shape [${loss.shape.join(', ')}]; reduce it to one number`);
  if (!context.training || parameters.length === 0)
    throw new UserError('trainStep: bind modules with parameters to a Context of { training: true }');
  const settings = recipeSchema.pick({ optimizer: true, lossScale: true }).parse({ optimizer });

  const ports = new Ports(graph);
  const states = new Set(bound.map(({ value }) => value));
  for (const value of graph.inputs)
    ports.note(states.has(value) ? 'state' : 'batch', inputName(value), value.dtype, value.shape);
  const learningRate = ports.input('hyper', 'learning_rate', 'float32', []);
  ports.output('metric', 'loss', loss);
  const grads = gradients(
    loss,
    parameters.map(({ value }) => value),
  );
  for (const { name, state } of bound) {
    const next = state instanceof RunningStatistic ? context.updates.get(state) : undefined;
    if (next) ports.next(name, next);
  }
  update(ports, settings, parameters, grads, learningRate, null, null);

  const { contract } = ports.done();
  const lowered = lowerStep(graph, { provider, precision: 'fast' }, 'windows');
  const own = new Map(bound.map(({ name, state }) => [name, state]));
  const initial = contract.inputs
    .filter(({ role }) => role === 'state')
    .map(({ name, shape }): [string, HostTensor] => {
      const sizes = shape as number[];
      const tensor = own.get(name);
      const data = tensor ? initialValues(name, tensor, seed) : new Float32Array(sizeOf(sizes));
      return [name, { dtype: 'float32', shape: sizes, data }];
    });
  return { ...contract, model: encodeModel(toModel(emitGraph(lowered))), state: new Map(initial) };
}
