/** A step of one's own network and loss, and its session. */
import { UserError } from '../../src/base/errors';
import { Graph } from '../../src/graph/graph';
import { trainStep } from '../../src/compile/trainStep';
import * as nn from '../../src/nn';
import * as ops from '../../src/ops';
import { StepSession } from '../../src/runtime/stepSession';

const settings = { threads: 1 };
const RATE = 0.0625;
/** exact in float32 */
const X = [1, 2, -1, 0.5, 3, -2];
const Y = [1, -1, 2];

/** Mean squared error of a linear layer on x [3, 2]; its graph also puts out what it predicts. */
function regression() {
  const graph = new Graph('regression');
  const x = graph.input('x', 'float32', [3, 2]);
  const y = graph.input('y', 'float32', [3, 1]);
  const layer = new nn.Linear(2, 1);
  const context = new nn.Context(graph, { training: true });
  context.bind([{ layer }]);
  const predicted = layer.apply(context, x);
  graph.output('predicted', predicted);
  const error = ops.sub(predicted, y);
  return { context, loss: ops.reduceMean(ops.mul(error, error)) };
}

const feeds = { x: Float32Array.from(X), y: Float32Array.from(Y), learning_rate: RATE };

test('plain SGD on a linear layer, by hand', async () => {
  const { context, loss } = regression();
  const plain = { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
  const step = trainStep(context, loss, plain, { seed: 3 });
  const session = await StepSession.open(step, settings);
  let [w0, w1, b] = [
    ...(step.state.get('layer.weight')?.data ?? []),
    ...(step.state.get('layer.bias')?.data ?? []),
  ].map(Number);
  expect(new Set([w0, w1, b, 0]).size).toBe(4);
  for (let i = 0; i < 3; i++) {
    const predicted = Y.map((_, n) => w0 * X[2 * n] + w1 * X[2 * n + 1] + b);
    const errors = predicted.map((p, n) => p - Y[n]);
    const answers = await session.run(feeds);
    expect(Object.keys(answers).sort()).toEqual(['loss', 'predicted']);
    expect(Number(answers.loss[0])).toBeCloseTo(
      errors.reduce((sum, e) => sum + (e * e) / 3, 0),
      5,
    );
    predicted.forEach((p, n) => expect(Number(answers.predicted[n])).toBeCloseTo(p, 5));
    const slope = (of: (n: number) => number) => errors.reduce((sum, e, n) => sum + (2 / 3) * e * of(n), 0);
    [w0, w1, b] = [
      w0 - RATE * slope((n) => X[2 * n]),
      w1 - RATE * slope((n) => X[2 * n + 1]),
      b - RATE * slope(() => 1),
    ];
    const weight = session.state.get('layer.weight')?.data ?? [];
    [w0, w1].forEach((w, k) => expect(Number(weight[k])).toBeCloseTo(w, 5));
    expect(Number(session.state.get('layer.bias')?.data[0])).toBeCloseTo(b, 5);
  }
  await session.close();
});

test('the seed decides the start; a session goes on from a state bit for bit', async () => {
  const { context, loss } = regression();
  const step = trainStep(context, loss, { name: 'adamw' });
  const again = regression();
  const other = trainStep(again.context, again.loss, { name: 'adamw' }, { seed: 1 });
  const weight = 'layer.weight';
  expect(other.state.get(weight)).not.toEqual(step.state.get(weight));
  expect([...step.state.keys()]).toEqual(
    expect.arrayContaining([weight, `optim.exp_avg.${weight}`, 'optim.step']),
  );

  const session = await StepSession.open(step, settings);
  await session.run(feeds);
  const continued = await StepSession.open({ ...step, state: session.state }, settings);
  await session.run(feeds);
  await continued.run(feeds);
  expect(continued.state).toEqual(session.state);
  expect(Number(session.state.get('optim.step')?.data[0])).toBe(2);
  await session.close();
  await continued.close();
});

test('running statistics follow, and a moved batch norm trains', async () => {
  const graph = new Graph('norm');
  const x = graph.input('x', 'float32', [2, 1, 1, 2]);
  const norm = new nn.BatchNorm2d(1);
  const context = new nn.Context(graph, { training: true });
  context.bind([{ norm }]);
  const step = trainStep(context, ops.reduceMean(ops.abs(norm.apply(context, x))), { name: 'sgd' });
  const session = await StepSession.open(step, settings);
  await session.run({ x: Float32Array.of(1, 3, 5, 7), learning_rate: RATE });
  // 0.9 before + 0.1 of the batch: mean 4, unbiased variance 20 / 3
  expect(Number(session.state.get('norm.running_mean')?.data[0])).toBeCloseTo(0.4, 6);
  expect(Number(session.state.get('norm.running_var')?.data[0])).toBeCloseTo(0.9 + 2 / 3, 5);
  await session.close();
});

test('what cannot be trained is refused', () => {
  const { context } = regression();
  const vector = context.graph.input('z', 'float32', [3]);
  expect(() => trainStep(context, vector)).toThrow(
    new UserError('trainStep: the loss is float32 [3]; make it one number of float32'),
  );
  const whole = context.graph.scalar(1, 'int64');
  expect(() => trainStep(context, whole)).toThrow('the loss is int64 []; make it one number of float32');
  const inference = new nn.Context(new Graph('g'), { training: false });
  inference.bind([new nn.Linear(1, 1)]);
  expect(() => trainStep(inference, inference.graph.scalar(1, 'float32'))).toThrow('training: true');
  const other = regression();
  const settings = { name: 'adam', lr: 1 } as never;
  expect(() => trainStep(other.context, other.loss, settings)).toThrow(
    /^trainStep: optimizer\.name is "adam": .*; .*optimizer\.lr/,
  );
  other.context.graph.input('rows', 'float32', ['batch', 2]);
  expect(() => trainStep(other.context, other.loss)).toThrow(
    /^trainStep: input rows is \[batch, 2\]; give every axis a size/,
  );
  const empty = new nn.Context(new Graph('g'), { training: true });
  expect(() => trainStep(empty, empty.graph.scalar(1, 'float32'))).toThrow('bind modules');
});

test('feeds that do not fit are refused by name, and change nothing', async () => {
  const { context, loss } = regression();
  const step = trainStep(context, loss);
  const session = await StepSession.open(step, settings);
  const wrong: [Record<string, Float32Array | Float64Array | number>, string][] = [
    [{ ...feeds, z: 1 }, 'the step has no input z'],
    [{ ...feeds, X: feeds.x }, 'no input X; did you mean x? (it takes x, y, learning_rate)'],
    [
      { x: feeds.x, learning_rate: RATE },
      "the step's input y takes 3 numbers in a Float32Array, for float32 [3, 1], and was not fed",
    ],
    [{ ...feeds, y: 1 }, 'but was fed with 1 in a Float32Array'],
    [{ ...feeds, y: Float64Array.from(Y) }, 'but was fed with 3 in a Float64Array'],
  ];
  for (const [given, message] of wrong) await expect(session.run(given)).rejects.toThrow(message);
  expect(session.state).toEqual(step.state);
  await session.close();
});
