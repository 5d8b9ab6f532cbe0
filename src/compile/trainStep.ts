/** The training step of any network and loss as one ONNX model: for training that needs no task, recipe or bundle. */
import { UserError } from '../base/errors';
import { gradients } from '../autodiff/gradients';
import { recipeSchema, type RecipeInput } from '../bundle/recipe';
import { describeIssues } from '../bundle/recipeIssues';
import type { TrainStep } from '../bundle/trainStep';
import { emitGraph, toModel } from '../graph/emit';
import { inputName, type Value } from '../graph/graph';
import type { LoweringOptions } from '../lowering/context';
import type { Context } from '../nn/context';
import { encodeModel } from '../onnx/encode';
import { initialState } from './initialState';
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
 * are bound to the context; the graph is used up by it. `optimizer` is as in a recipe. Inputs of the model: the graph's own,
 * `learning_rate` [], and the state: parameters, running statistics, the optimizer's tensors. Outputs: what the graph has
 * already, `loss`, and `next.x` for each state x that changes. UserError for a loss that is no scalar of float32, an input
 * without a fixed size, optimizer settings that are none, and where nothing is to be trained.
 */
export function trainStep(
  context: Context,
  loss: Value,
  optimizer: NonNullable<RecipeInput['optimizer']> = {},
  { seed = 0, provider = 'cpu' }: TrainStepOptions = {},
): TrainStep {
  const { graph, bound, parameters } = context;
  if (loss.rank !== 0 || loss.dtype !== 'float32')
    throw new UserError(
      `trainStep: the loss is ${loss.dtype} [${loss.shape.join(', ')}]; make it one number of float32`,
    );
  if (!context.training || parameters.length === 0)
    throw new UserError('trainStep: bind modules with parameters to a Context of { training: true }');
  const open = graph.inputs.find(({ shape }) => shape.some((size) => typeof size !== 'number'));
  if (open)
    throw new UserError(
      `trainStep: input ${inputName(open)} is [${open.shape.join(', ')}]; give every axis a size, as gradients are lowered for it`,
    );
  const parsed = recipeSchema
    .pick({ optimizer: true, lossScale: true, seed: true })
    .safeParse({ optimizer, seed }, { reportInput: true });
  if (!parsed.success) throw new UserError(`trainStep: ${describeIssues(parsed.error)}`);

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
  for (const { name, next } of context.statistics) ports.next(name, next);
  update(ports, parsed.data, parameters, grads, learningRate, null, null);

  const { inputs, outputs } = ports;
  const lowered = lowerStep(graph, { provider, precision: 'fast' }, 'windows');
  const state = inputs.filter(({ role }) => role === 'state');
  return {
    inputs,
    outputs,
    model: encodeModel(toModel(emitGraph(lowered))),
    state: initialState(state, bound, parsed.data),
  };
}
