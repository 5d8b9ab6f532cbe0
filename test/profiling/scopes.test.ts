/** Where nodes belong, by their names and the names that the runtime's rewrites give them. */
import { placer } from '../../src/profiling/scopes';

const place = placer(
  [
    '/Cast',
    '/layer1/0/conv1/Gemm',
    '/layer1/0/conv1/Gemm_1',
    '/grad/layer1/0/conv1/Gemm',
    '/optim/Add',
    '/optim/layer1/0/conv1/weight/Mul',
    '/attention/MatMul',
  ],
  ['/layer1/0/conv1/Gemm_output', 'next.optim.step'],
  ['layer1.0.conv1.weight'],
);

test.each([
  ['/Cast', 'forward', ''],
  ['/layer1/0/conv1/Gemm', 'forward', 'layer1/0/conv1'],
  ['/grad/layer1/0/conv1/Gemm', 'backward', 'layer1/0/conv1'],
  ['/optim/layer1/0/conv1/weight/Mul', 'optimizer', 'layer1/0/conv1'],
  ['/optim/Add', 'optimizer', ''],
  ['/attention/MatMul/MatmulTransposeFusion//MatMulScaleFusion/', 'forward', 'attention'],
  ['/layer1/0/conv1/Gemm_1_token_7', 'forward', 'layer1/0/conv1'],
  ['fused /layer1/0/conv1/Gemm', 'forward', 'layer1/0/conv1'],
  ['InsertedPrecisionFreeCast_/layer1/0/conv1/Gemm_output', 'forward', 'layer1/0/conv1'],
  ['Transpose_token_1', 'runtime', ''],
  ['', 'runtime', ''],
  ['next.optim.step_cast', 'runtime', ''],
  ['/unknown/Gemm', 'runtime', ''],
])('%s is %s of %j', (name, phase, path) => {
  const { phase: found, path: parts } = place(name);
  expect([found, parts.join('/')]).toEqual([phase, path]);
});
