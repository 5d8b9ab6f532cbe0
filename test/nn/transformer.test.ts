/** The Transformer's layers, worked out here row by row. */
import { Graph } from '../../src/graph/graph';
import { Context } from '../../src/nn/context';
import { MultiheadAttention } from '../../src/nn/transformer';
import { softmax } from '../../src/tensors/rows';
import { runGraph } from '../support/run';
import { numbersOf, randomTensor, relativeDistance } from '../support/tensors';

const [BATCH, TOKENS, WIDTH, HEADS] = [2, 5, 6, 2];
const HEAD = WIDTH / HEADS;
const feeds = {
  x: randomTensor([BATCH, TOKENS, WIDTH], 'x'),
  in_proj_weight: randomTensor([3 * WIDTH, WIDTH], 'in weight'),
  in_proj_bias: randomTensor([3 * WIDTH], 'in bias'),
  'out_proj.weight': randomTensor([WIDTH, WIDTH], 'out weight'),
  'out_proj.bias': randomTensor([WIDTH], 'out bias'),
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const rowsOf = (tensor: (typeof feeds)['x'], width: number) => {
  const numbers = numbersOf(tensor);
  return range(numbers.length / width).map((i) => numbers.slice(i * width, (i + 1) * width));
};
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** One token after attention to all of its sequence: softmax(q k' / sqrt(head)) v a head, then the projection. */
function attend(tokens: readonly number[][], query: number): number[] {
  const weight = rowsOf(feeds.in_proj_weight, WIDTH);
  const bias = numbersOf(feeds.in_proj_bias);
  const project = (part: number) =>
    tokens.map((token) =>
      range(WIDTH).map((i) => dot(weight[part * WIDTH + i], token) + bias[part * WIDTH + i]),
    );
  const [q, k, v] = [project(0), project(1), project(2)];
  const joined = range(HEADS).flatMap((head) => {
    const own = (row: readonly number[]) => row.slice(head * HEAD, (head + 1) * HEAD);
    const weights = softmax(k.map((key) => dot(own(q[query]), own(key)) / Math.sqrt(HEAD)));
    return range(HEAD).map((i) =>
      dot(
        weights,
        v.map((value) => own(value)[i]),
      ),
    );
  });
  const out = rowsOf(feeds['out_proj.weight'], WIDTH);
  return out.map((row, i) => dot(row, joined) + numbersOf(feeds['out_proj.bias'])[i]);
}

test.each([1, 3, TOKENS])(
  'attention of the first %d tokens to all of their own sequence',
  async (queries) => {
    const graph = new Graph('attention');
    const x = graph.input('x', 'float64', feeds.x.shape);
    const context = new Context(graph, { training: false, dtype: 'float64' });
    const attention = new MultiheadAttention(WIDTH, HEADS);
    context.bind([attention]);
    graph.output('y', attention.apply(context, x, queries, 0.5));
    const { y } = await runGraph(graph, feeds);
    expect(y.shape).toEqual([BATCH, queries, WIDTH]);
    const tokens = rowsOf(feeds.x, WIDTH);
    const expected = range(BATCH).flatMap((b) => {
      const sequence = tokens.slice(b * TOKENS, (b + 1) * TOKENS);
      return range(queries).flatMap((query) => attend(sequence, query));
    });
    // the runtime has the scale in float32 where it fuses
    expect(relativeDistance(numbersOf(y), expected)).toBeLessThan(1e-7);
  },
);

test('heads divide the width', () => {
  expect(() => new MultiheadAttention(6, 4)).toThrow('4 heads do not divide a width of 6');
});
