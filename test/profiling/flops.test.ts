/** Operations counted from shapes, against their textbook counts. */
import { flops, isProduct } from '../../src/profiling/flops';

type Shapes = number[][];

const [M, K, N, B] = [5, 7, 11, 3];
const EXPECTED = 2 * M * K * N;

test.each<[string, Shapes, number[], number]>([
  [
    'MatMul',
    [
      [M, K],
      [K, N],
    ],
    [M, N],
    EXPECTED,
  ],
  [
    'MatMul',
    [
      [B, 2, M, K],
      [B, 2, K, N],
    ],
    [B, 2, M, N],
    B * 2 * EXPECTED,
  ],
  [
    'MatMul',
    [
      [B, M, K],
      [K, N],
    ],
    [B, M, N],
    B * EXPECTED,
  ],
  [
    'MatMul',
    [
      [M, K],
      [B, K, N],
    ],
    [B, M, N],
    B * EXPECTED,
  ],
  ['MatMul', [[K], [K, N]], [N], 2 * K * N],
  ['MatMul', [[M, K], [K]], [M], 2 * M * K],
  ['MatMul', [[K], [K]], [], 2 * K],
  [
    'FusedMatMul',
    [
      [B, K, M],
      [B, N, K],
    ],
    [B, M, N],
    B * EXPECTED,
  ],
  ['Gemm', [[M, K], [K, N], [N]], [M, N], EXPECTED],
  [
    'Gemm',
    [
      [K, M],
      [N, K],
    ],
    [M, N],
    EXPECTED,
  ],
  [
    'Gemm',
    [
      [0, K],
      [K, N],
    ],
    [0, N],
    0,
  ],
  // 3 x 3, 8 channels in two groups to 6, on 4 x 4
  ['Conv', [[2, 8, 4, 4], [6, 4, 3, 3], [6]], [2, 6, 4, 4], 2 * (2 * 6 * 16) * (4 * 9)],
  [
    'FusedConv',
    [
      [1, 3, 9, 9],
      [4, 3, 2, 2],
    ],
    [1, 4, 8, 8],
    2 * (4 * 64) * (3 * 4),
  ],
  // each of 2 * 8 * 16 elements goes to 3 channels of a 2 x 2 window
  [
    'ConvTranspose',
    [
      [2, 8, 4, 4],
      [8, 3, 2, 2],
    ],
    [2, 3, 8, 8],
    2 * (2 * 8 * 16) * (3 * 4),
  ],
  [
    'Mul',
    [
      [M, K],
      [M, K],
    ],
    [M, K],
    0,
  ],
  [
    'toString',
    [
      [M, K],
      [M, K],
    ],
    [M, K],
    0,
  ],
])('%s %j -> %j: %d', (op, inputs, output, expected) => {
  expect(flops({ op, inputs, outputs: [output] })).toBe(expected);
});

test('matrix products are told from other operators', () => {
  expect(['Gemm', 'MatMul', 'Conv', 'Add', 'constructor'].map(isProduct)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
