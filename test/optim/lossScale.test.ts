/** The loss scale after a step, and what counts as finite gradients. */
import { Graph } from '../../src/graph/graph';
import { cast } from '../../src/ops/elementwise';
import { allFinite, nextLossScale } from '../../src/optim/lossScale';
import type { HostTensor } from '../../src/tensors/dtype';
import { runGraph } from '../support/run';
import { numbersOf, tensorOf } from '../support/tensors';

const scaling = { growthFactor: 4, backoffFactor: 0.25, growthInterval: 3 };

/** [scale, good steps] after a step whose gradients were finite or not. */
async function next(scale: number, goodSteps: number, isFinite: boolean): Promise<number[]> {
  const graph = new Graph('scale');
  const state = {
    scale: graph.input('scale', 'float32', []),
    goodSteps: graph.input('good', 'float32', []),
  };
  const after = nextLossScale(graph.input('finite', 'bool', []), state, scaling);
  graph.output('scale_after', after.scale);
  graph.output('good_after', after.goodSteps);
  const scalar = (value: number) => tensorOf('float32', [], [value]);
  const feeds = {
    scale: scalar(scale),
    good: scalar(goodSteps),
    finite: tensorOf('bool', [], [Number(isFinite)]),
  };
  const { scale_after, good_after } = await runGraph(graph, feeds);
  return [...numbersOf(scale_after), ...numbersOf(good_after)];
}

test('it grows after so many good steps in a row, and falls after a bad one', async () => {
  expect(await next(64, 0, true)).toEqual([64, 1]);
  expect(await next(64, 1, true)).toEqual([64, 2]);
  expect(await next(64, 2, true)).toEqual([256, 0]);
  expect(await next(64, 2, false)).toEqual([16, 0]);
});

test('it never grows to where no division leads back', async () => {
  expect(await next(2 ** 125, 2, true)).toEqual([2 ** 126, 0]);
  expect(await next(2 ** 126, 2, true)).toEqual([2 ** 126, 0]);
  expect(await next(2 ** 126, 0, false)).toEqual([2 ** 124, 0]);
});

test('gradients are finite where every element is, whatever its sign', async () => {
  const finite = async (...gradients: number[][]) => {
    const graph = new Graph('finite');
    const values = gradients.map((numbers, i) => graph.input(`g${i}`, 'float32', [numbers.length]));
    graph.output('finite', cast(allFinite(values), 'float32'));
    const feeds = gradients.map((numbers, i): [string, HostTensor] => [
      `g${i}`,
      tensorOf('float32', [numbers.length], numbers),
    ]);
    return numbersOf((await runGraph(graph, Object.fromEntries(feeds))).finite)[0];
  };
  expect(await finite([1, -2], [0], [3e37, 2])).toBe(1);
  expect(await finite([-1e38], [5e37])).toBe(1);
  for (const broken of [NaN, Infinity, -Infinity]) {
    expect(await finite([1, broken], [2])).toBe(0);
    expect(await finite([1], [2], [0, 0, broken])).toBe(0);
  }
  // as documented: a sum that leaves float32 counts as not finite too
  expect(await finite([3e38], [3e38])).toBe(0);
});
