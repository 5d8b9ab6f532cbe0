/** Every operator: inferred types against the runtime's, gradients against central differences. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { gradients } from '../../src/autodiff/gradients';
import { Random } from '../../src/base/random';
import { Graph } from '../../src/graph/graph';
import { operators } from '../../src/graph/op';
import type { LoweringOptions } from '../../src/lowering/context';
import { fuse } from '../../src/lowering/fusion';
import { type DType, type HostTensor, sizeOf } from '../../src/tensors/dtype';
import { add, mul } from '../../src/ops/elementwise';
import { reduceSum } from '../../src/ops/reduce';
import { lowerForTest, openGraph, type Tensors } from '../support/run';
import { numbersOf, tensorOf } from '../support/tensors';
import { cases, MADE_BY, type Case, type InputSpec } from './table';

const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'float64';

/** Step of the central differences and the tolerance that goes with it, relative to the size of what is compared. */
const PRECISION = { float64: { step: 1e-5, tolerance: 1e-7 }, float32: { step: 1e-2, tolerance: 1e-3 } };
const DIRECTIONS = 3;

function draw({ dtype, shape, values }: InputSpec, stream: string): HostTensor {
  if (typeof values !== 'string') return tensorOf(dtype, shape, values);
  const random = new Random(1, stream);
  const one = () => (values === 'normal' ? random.normal() : 0.5 + random.uniform());
  return tensorOf(dtype, shape, Array.from({ length: sizeOf(shape) }, one));
}

/** The graph of a case: outputs y0, y1 ..., and where it has a gradient the loss sum(y0 * weights) and g<i> of each input. */
function buildCase({ op, name, inputs, build, gradient }: Case) {
  const stream = `${op} ${name}`;
  const graph = new Graph('case');
  const values = inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, dtype, shape));
  const outputs = [build(values)].flat();
  outputs.forEach((y, i) => graph.output(`y${i}`, y));
  const wanted = inputs.flatMap(({ dtype }, i) => (gradient && isFloat(dtype) ? [i] : []));
  if (gradient) {
    const [y] = outputs;
    const weights = draw(
      { dtype: y.dtype, shape: y.shape as number[], values: 'normal' },
      `${stream} weights`,
    );
    const loss = reduceSum(mul(y, graph.tensor(y.dtype, weights.shape, weights.data)));
    graph.output('loss', loss);
    const found = gradients(
      loss,
      wanted.map((i) => values[i]),
    );
    wanted.forEach((i, k) => graph.output(`g${i}`, found[k]));
  }
  const feeds: Tensors = Object.fromEntries(inputs.map((spec, i) => [`x${i}`, draw(spec, `${stream} ${i}`)]));
  return { graph, outputs, wanted, feeds, stream };
}

const optionsOf = ({ implementations, precision = 'exact' }: Case): LoweringOptions => ({
  provider: 'cpu',
  precision,
  implementations,
});

describe.each([...new Set(cases.map((c) => c.op))])('%s', (op) => {
  test.each(cases.filter((c) => c.op === op).map((c) => [c.name, c] as const))('%s', async (_name, row) => {
    const { graph, outputs, wanted, feeds, stream } = buildCase(row);
    const session = await openGraph(graph, optionsOf(row));
    try {
      const results = await session.run(feeds);
      outputs.forEach((y, i) => {
        const { dtype, shape } = results[`y${i}`];
        expect({ dtype, shape: [...shape] }).toEqual({ dtype: y.dtype, shape: [...y.shape] });
      });
      for (const i of wanted) {
        const x = feeds[`x${i}`];
        const gradient = results[`g${i}`];
        expect({ dtype: gradient.dtype, shape: [...gradient.shape] }).toEqual({
          dtype: x.dtype,
          shape: [...x.shape],
        });
        const { step, tolerance } = PRECISION[x.dtype as 'float32' | 'float64'];
        const random = new Random(1, stream, 'directions', i);
        for (let k = 0; k < DIRECTIONS; k++) {
          const direction = numbersOf(x).map(() => random.normal());
          const lossAt = async (t: number) => {
            const moved = tensorOf(
              x.dtype,
              x.shape,
              numbersOf(x).map((v, j) => v + t * direction[j]),
            );
            return Number((await session.run({ ...feeds, [`x${i}`]: moved })).loss.data[0]);
          };
          const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
          const products = numbersOf(gradient).map((g, j) => g * direction[j]);
          const along = products.reduce((a, b) => a + b, 0);
          const scale = Math.max(1, Math.hypot(...products));
          expect(Math.abs(along - slope) / scale).toBeLessThanOrEqual(tolerance);
        }
      }
    } finally {
      await session.release();
    }
  });
});

test('a wrong gradient would be seen: the differences depend on the element', async () => {
  const graph = new Graph('control');
  const x = graph.input('x', 'float64', [3]);
  graph.output('loss', reduceSum(mul(x, add(x, 1))));
  const session = await openGraph(graph);
  const lossAt = async (...x: number[]) =>
    Number((await session.run({ x: tensorOf('float64', [3], x) })).loss.data[0]);
  const slope = ((await lossAt(1, 2 + 1e-5, 3)) - (await lossAt(1, 2 - 1e-5, 3))) / 2e-5;
  await session.release();
  expect(slope).toBeCloseTo(5, 7);
});

describe('the table is complete', () => {
  const load = (room: string) => {
    const folder = path.join(__dirname, '../../src', room);
    readdirSync(folder)
      .filter((file) => file.endsWith('.js'))
      .forEach((file) => jest.requireActual(path.join(folder, file)));
  };

  test('every operator has a row, or is made by one', () => {
    load('ops');
    load('lowering');
    const rows = new Set(cases.map((c) => c.op));
    const missing = [...operators.keys()].filter((op) => !rows.has(op) && !(op in MADE_BY));
    expect(missing).toEqual([]);
    expect([...rows, ...Object.keys(MADE_BY)].filter((op) => !operators.has(op))).toEqual([]);
  });

  test.each(Object.entries(MADE_BY))('%s is in a graph of %s', (made, by) => {
    const found = cases
      .filter((c) => c.op === by)
      .some((row) => {
        const { graph } = buildCase(row);
        const options = optionsOf(row);
        const [fused, lowered] = [fuse(graph, options), lowerForTest(graph, options)];
        return [graph, fused, lowered].flatMap(({ nodes }) => nodes).some((node) => node.op.type === made);
      });
    expect(found).toBe(true);
  });

  test('a row calls the operator that it is filed under', () => {
    const wrong = cases.filter((row) => !buildCase(row).graph.nodes.some((node) => node.op.type === row.op));
    expect(wrong.map((row) => `${row.op}: ${row.name}`)).toEqual([]);
  });

  test('a row without a gradient has an operator without a rule, or inputs or outputs that are no floats', () => {
    const unchecked = cases.filter((row) => {
      const { outputs } = buildCase(row);
      const floats = isFloat(outputs[0].dtype) && row.inputs.some((spec) => isFloat(spec.dtype));
      return !row.gradient && floats && operators.get(row.op)?.definition.vjp !== undefined;
    });
    expect(unchecked.map((row) => `${row.op}: ${row.name}`)).toEqual([]);
  });
});
