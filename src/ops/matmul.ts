/** Matrix products. */
import { defineOp } from '../graph/op';
import { broadcastShapes, knownElements, range, staticShape } from '../graph/shape';
import { sizeOf } from '../tensors/dtype';
import type { Value } from '../graph/graph';
import { mul } from './elementwise';
import { reshape, transpose } from './shape';

/** Swaps the last two axes. */
export function swapLast(x: Value): Value {
  const r = x.rank;
  return transpose(x, [...range(r - 2), r - 1, r - 2]);
}

/** [..., M, N] -> [rows, N] */
function asMatrix(x: Value): Value {
  if (x.rank === 2) return x;
  const shape = staticShape(x, 'gradient of MatMul');
  return reshape(x, [sizeOf(shape.slice(0, -1)), shape[x.rank - 1]]);
}

const matmulOp = defineOp<Record<string, never>>('MatMul', {
  half: 'always',
  multiplyAdds: ([a], [y]) => knownElements(y) * (a.shape[a.shape.length - 1] as number),
  infer: ([a, b]) => {
    const m = a.shape.length;
    const n = b.shape.length;
    if (m < 2 || n < 2) throw new Error('expected operands of rank 2 or more');
    if (a.dtype !== b.dtype) throw new Error('expected operands of one dtype');
    if (a.shape[m - 1] !== b.shape[n - 2]) throw new Error('inner sizes differ');
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    if (!batch) throw new Error('batch axes do not broadcast');
    return [{ dtype: a.dtype, shape: [...batch, a.shape[m - 2], b.shape[n - 1]] }];
  },
  vjp: ([dy], [a, b]) => [
    () => matmul(dy, swapLast(b)),
    // One matrix for all of `a`: one product over all rows, instead of one an entry that the walk would then add up.
    () => (b.rank === 2 ? gemm(asMatrix(a), asMatrix(dy), { transA: 1 }) : matmul(swapLast(a), dy)),
  ],
});
/** a [..., M, K] times b [..., K, N]; the batch axes broadcast. */
export const matmul = (a: Value, b: Value): Value => matmulOp.one([a, b], {});

export type GemmAttributes = { alpha?: number; beta?: number; transA?: 0 | 1; transB?: 0 | 1 };

const gemmOp = defineOp<GemmAttributes>('Gemm', {
  half: 'always',
  multiplyAdds: ([a], [y], { transA }) => knownElements(y) * (a.shape[transA ? 0 : 1] as number),
  attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
  infer: ([a, b, c], { transA, transB }) => {
    if (a.shape.length !== 2 || b.shape.length !== 2) throw new Error('expected matrices');
    if (a.dtype !== b.dtype) throw new Error('expected operands of one dtype');
    const [m, ka] = transA ? [a.shape[1], a.shape[0]] : a.shape;
    const [kb, n] = transB ? [b.shape[1], b.shape[0]] : b.shape;
    if (ka !== kb) throw new Error('inner sizes differ');
    if (c && broadcastShapes(c.shape, [m, n])?.join() !== [m, n].join()) {
      throw new Error('the third operand does not broadcast to the result');
    }
    return [{ dtype: a.dtype, shape: [m, n] }];
  },
  vjp: ([dy], [a, b, c], _outputs, { alpha, beta = 1, transA = 0, transB = 0 }) => [
    () =>
      transA
        ? gemm(b, dy, { alpha, transA: transB, transB: 1 })
        : gemm(dy, b, { alpha, transB: flip(transB) }),
    () =>
      transB
        ? gemm(dy, a, { alpha, transA: 1, transB: transA })
        : gemm(a, dy, { alpha, transA: flip(transA) }),
    c ? () => (beta === 1 ? dy : mul(dy, beta)) : null,
  ],
});
const flip = (bit: 0 | 1): 0 | 1 => (bit ? 0 : 1);

/** alpha A' B' + beta C for matrices, A' and B' transposed where asked. C broadcasts to the product. */
export function gemm(a: Value, b: Value, attrs: GemmAttributes = {}, c: Value | null = null): Value {
  return gemmOp.one(c ? [a, b, c] : [a, b], attrs);
}
