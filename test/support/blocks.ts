/** A small residual net in front of the passes that plan a training step's memory. */
import { gradients } from '../../src/autodiff/gradients';
import { Graph } from '../../src/graph/graph';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, mul } from '../../src/ops/elementwise';
import { batchNorm } from '../../src/ops/norm';
import { reduceMean } from '../../src/ops/reduce';
import { optimize } from '../../src/passes';
import { lowerForTest, type Tensors } from './run';
import { randomTensor } from './tensors';

export const BLOCKS = 4;
export const feeds: Tensors = { x: randomTensor([4, 16, 16, 16], 'x', 'float32') };
for (let i = 0; i < BLOCKS; i++) {
  feeds[`w${i}`] = randomTensor([16, 16, 3, 3], `w${i}`, 'float32');
  feeds[`scale${i}`] = randomTensor([16], `scale${i}`, 'float32');
  feeds[`bias${i}`] = randomTensor([16], `bias${i}`, 'float32');
}

/** x + conv(relu(norm(x))), four times, and the gradients of its mean square; lowered. */
export function blocks(withGradients: boolean): Graph {
  const graph = new Graph('blocks');
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  );
  let { x } = inputs;
  for (let i = 0; i < BLOCKS; i++) {
    const y = relu(batchNorm(x, inputs[`scale${i}`], inputs[`bias${i}`]).y);
    x = add(x, conv2d(y, inputs[`w${i}`], { padding: 1 }));
  }
  const loss = reduceMean(mul(x, x));
  graph.output('loss', loss);
  if (withGradients) gradients(loss, Object.values(inputs)).forEach((g, i) => graph.output(`g${i}`, g));
  return optimize(lowerForTest(graph));
}

/** Throws where a value of one differs from the other's, signed zeros and NaN told apart. */
export function expectSameBits(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected)) {
    if (!Array.from(data, Number).every((v, i) => Object.is(v, Number(actual[name].data[i]))))
      throw new Error(`${name} differs`);
  }
}
