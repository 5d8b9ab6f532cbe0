/** One update of each optimizer in float64, against its formulas worked out here; and the clip. */
import { Graph, type Value } from '../../src/graph/graph';
import { adamw } from '../../src/optim/adamw';
import { clipByGlobalNorm, globalNorm, type Optimizer } from '../../src/optim/optimizer';
import { lars, sgd } from '../../src/optim/sgd';
import { runGraph, type Tensors } from '../support/run';
import { numbersOf, randomTensor, relativeDistance, tensorOf } from '../support/tensors';

const RATE = 0.1;
const W = randomTensor([2, 3], 'w');
const G = randomTensor([2, 3], 'g');
const scalar = (x: number) => tensorOf('float64', [], [x]);
const length = (x: readonly number[]) => Math.hypot(...x);

interface Given {
  readonly parameter?: typeof W;
  readonly gradient?: typeof G;
  readonly weightDecay?: number;
  readonly step?: number;
}

/** The parameter and the slots after an update in which every slot was `momentum_i = 0.3 i + 0.1`. */
async function update(
  optimizer: Optimizer,
  { parameter = W, gradient = G, weightDecay = 0, step }: Given = {},
): Promise<{ w: number[]; slots: number[][] }> {
  const graph = new Graph('update');
  const feeds: Tensors = { w: parameter, g: gradient, rate: scalar(RATE), step: scalar(step ?? 0) };
  optimizer.slots.forEach((slot, i) => (feeds[slot] = slotOf(parameter, i)));
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape }]) => [name, graph.input(name, 'float64', shape)]),
  );
  const result = optimizer.update({
    parameter: inputs.w,
    gradient: inputs.g,
    slots: optimizer.slots.map((slot) => inputs[slot]),
    weightDecay,
    learningRate: inputs.rate,
    step: step === undefined ? null : inputs.step,
  });
  graph.output('next', result.parameter);
  result.slots.forEach((slot, i) => graph.output(`slot${i}`, slot));
  const results = await runGraph(graph, feeds);
  return {
    w: numbersOf(results.next),
    slots: optimizer.slots.map((_, i) => numbersOf(results[`slot${i}`])),
  };
}

/** Positive, as second moments are. */
const slotOf = ({ shape, data }: typeof W, slot: number) =>
  tensorOf(
    'float64',
    shape,
    Array.from({ length: data.length }, (_, i) => 0.3 * i + 0.1 + slot),
  );

const w0 = numbersOf(W);
const g0 = numbersOf(G);
const v0 = numbersOf(slotOf(W, 0));

function expectNumbers(found: readonly number[], expected: readonly number[]): void {
  expect(relativeDistance(found, expected)).toBeLessThan(1e-12);
}

describe('SGD', () => {
  const velocity = (d = 0) => v0.map((v, i) => 0.9 * v + g0[i] + d * w0[i]);

  test('moves along the velocity', async () => {
    const { w, slots } = await update(sgd({ momentum: 0.9, nesterov: false }));
    expectNumbers(slots[0], velocity());
    expectNumbers(
      w,
      w0.map((x, i) => x - RATE * velocity()[i]),
    );
  });

  test('with Nesterov a step further, and L2 in the gradient', async () => {
    const { w, slots } = await update(sgd({ momentum: 0.9, nesterov: true }), { weightDecay: 0.01 });
    expectNumbers(slots[0], velocity(0.01));
    const ahead = velocity(0.01).map((v, i) => g0[i] + 0.01 * w0[i] + 0.9 * v);
    expectNumbers(
      w,
      w0.map((x, i) => x - RATE * ahead[i]),
    );
  });
});

describe('LARS', () => {
  const options = { momentum: 0.9, nesterov: false, trust: 0.02 };
  const decayed = g0.map((g, i) => g + 0.1 * w0[i]);
  const moved = (ratio: number) => v0.map((v, i) => 0.9 * v + ratio * decayed[i]);

  test('scales the gradient to the weights’ size', async () => {
    const { slots } = await update(lars(options), { weightDecay: 0.1 });
    const ratio = (0.02 * length(w0)) / (length(g0) + 0.1 * length(w0));
    expectNumbers(slots[0], moved(ratio));
  });

  test('but not that of a vector, nor where one of them is nothing', async () => {
    const flat = { parameter: { ...W, shape: [6] }, gradient: { ...G, shape: [6] }, weightDecay: 0.1 };
    expectNumbers((await update(lars(options), flat)).slots[0], moved(1));
    const zeros = tensorOf('float64', [2, 3], new Array<number>(6).fill(0));
    const fresh = await update(lars(options), { parameter: zeros });
    expectNumbers(
      fresh.slots[0],
      v0.map((v, i) => 0.9 * v + g0[i]),
    );
    const still = await update(lars(options), { gradient: zeros, weightDecay: 0.1 });
    expectNumbers(
      still.slots[0],
      v0.map((v, i) => 0.9 * v + 0.1 * w0[i]),
    );
  });
});

describe('AdamW', () => {
  const options = { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 };
  const second = numbersOf(slotOf(W, 1));

  test('decays the weights beside the gradient, and corrects both moments for their start', async () => {
    for (const t of [1, 7]) {
      const { w, slots } = await update(adamw(options), { weightDecay: 0.05, step: t });
      const p = v0.map((v, i) => 0.8 * v + 0.2 * g0[i]);
      const q = second.map((v, i) => 0.95 * v + 0.05 * g0[i] ** 2);
      expectNumbers(slots[0], p);
      expectNumbers(slots[1], q);
      const change = p.map((x, i) => x / (1 - 0.8 ** t) / (Math.sqrt(q[i] / (1 - 0.95 ** t)) + 1e-3));
      expectNumbers(
        w,
        w0.map((x, i) => x * (1 - RATE * 0.05) - RATE * change[i]),
      );
    }
  });

  test('without decay, and never without the number of the step', async () => {
    const [none, some] = [
      await update(adamw(options), { step: 1 }),
      await update(adamw(options), { step: 1, weightDecay: 1 }),
    ];
    expectNumbers(
      none.w.map((x, i) => x - some.w[i]),
      w0.map((x) => RATE * x),
    );
    await expect(update(adamw(options))).rejects.toThrow('needs the number of the step');
    expect([adamw(options).countsSteps, sgd({ momentum: 0, nesterov: false }).countsSteps]).toEqual([
      true,
      false,
    ]);
  });
});

describe('the clip', () => {
  async function clipped(limit: number): Promise<number[]> {
    const graph = new Graph('clip');
    const inputs: Value[] = [W, G].map(({ shape }, i) => graph.input(`g${i}`, 'float64', shape));
    clipByGlobalNorm(inputs, globalNorm(inputs), limit).forEach((g, i) => graph.output(`y${i}`, g));
    const results = await runGraph(graph, { g0: W, g1: G });
    return [...numbersOf(results.y0), ...numbersOf(results.y1)];
  }
  const both = [...w0, ...g0];

  test('scales all gradients together to the limit, and leaves shorter ones alone', async () => {
    const norm = length(both);
    expectNumbers(
      await clipped(norm / 2),
      both.map((x) => (x * (norm / 2)) / (norm + 1e-6)),
    );
    expect(await clipped(2 * norm)).toEqual(both);
  });
});

test('only AdamW counts its steps', () => {
  const momentum = { momentum: 0.9, nesterov: false };
  const adam = adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  expect(
    [sgd(momentum), lars({ ...momentum, trust: 1 }), adam].map(({ countsSteps }) => countsSteps),
  ).toEqual([false, false, true]);
});
