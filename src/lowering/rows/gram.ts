/** Implementations of batch norm after a widening pointwise convolution, from the narrow input's Gram matrix. */
import type { Value } from '../../graph/graph';
import { maximum, mul, neg, reciprocal, sqrt, sub, add } from '../../ops/elementwise';
import { gemm, matmul } from '../../ops/matmul';
import { reduceSum } from '../../ops/reduce';
import { reshape } from '../../ops/shape';
import { asRows, imageSize, plainly, type Lowering, type Implementation } from '../context';
import { weightProduct } from './conv';
import type { Epsilon } from '../fusion';
import { columnSum } from './rows';

/** Mean [1, C] and covariance [C, C] over the pixels of a; forward and backward share them. */
function moments(context: Lowering, a: Value) {
  const { c, pixels } = imageSize(a);
  const rows = context.rows(a);
  const mean = context.once('mean', [rows], () => reshape(mul(columnSum(context, rows), 1 / pixels), [1, c]));
  const covariance = context.once('covariance', [rows], () =>
    sub(mul(gemm(rows, rows, { transA: 1 }), 1 / pixels), gemm(mean, mean, { transA: 1 })),
  );
  return { mean, covariance };
}

/** W [O, C] and the small products that both directions need. */
function weights(context: Lowering, a: Value, w: Value) {
  const [o, c] = w.shape as number[];
  const { mean, covariance } = moments(context, a);
  const matrix = reshape(context.plain(w), [o, c]);
  // W Cov [O, C]
  const spread = context.once('W Cov', [a, w], () => matmul(matrix, covariance));
  return { matrix, mean, spread };
}

/** The factor scale / deviation [O] and W times it. */
function scaled(context: Lowering, matrix: Value, scale: Value, variance: Value, epsilon: number) {
  const inverse = reciprocal(sqrt(add(variance, epsilon)));
  const factor = mul(context.plain(scale), inverse);
  return { inverse, factor, weights: mul(matrix, column(factor)) };
}

const column = (v: Value) => reshape(v, [v.shape[0], 1]);

export const pointwiseBatchNormGram: Implementation = {
  name: 'gram',
  when: () => true,
  build: (context, [a, w, scale, bias], { epsilon }: Epsilon) => {
    const { matrix, mean, spread } = weights(context, a, w);
    const o = w.shape[0] as number;
    const outMean = reshape(gemm(mean, matrix, { transB: 1 }), [o]);
    const variance = maximum(reduceSum(mul(matrix, spread), [1]), 0);
    const { factor, weights: folded } = scaled(context, matrix, scale, variance, epsilon);
    const shift = sub(context.plain(bias), mul(outMean, factor));
    const y = gemm(context.rows(a), folded, { transB: 1 }, shift);
    return [asRows(y), plainly(outMean), plainly(variance)];
  },
};

/**
 * With R = dy' a [O, C], s = sum(dy), t = sum over C of W * R (that is sum(dy z)), r = 1 / deviation, f = scale r:
 * dscale = r (t - mean s), dbias = s, dW = f (R - s m') - f r dscale W Cov,
 * da = dy (f W) + (a - m) Q - (f s)' W / P with Q = -W' (f r dscale W) / P.
 */
export const pointwiseBatchNormGradientGram: Implementation = {
  name: 'gram',
  when: () => true,
  build: (context, [dyLogical, a, w, scale, meanLogical, varianceLogical], { epsilon }: Epsilon) => {
    const { c, pixels } = imageSize(a);
    const { matrix, mean, spread } = weights(context, a, w);
    const [o] = w.shape as number[];
    const [dy, rows] = [context.rows(dyLogical), context.rows(a)];
    const outMean = context.plain(meanLogical);
    const variance = context.plain(varianceLogical);
    const { inverse, factor, weights: folded } = scaled(context, matrix, scale, variance, epsilon);
    const product = weightProduct(rows, dy);
    const dbias = columnSum(context, dy);
    const dscale = mul(inverse, sub(reduceSum(mul(matrix, product), [1]), mul(outMean, dbias)));
    const slope = mul(mul(factor, inverse), dscale);
    const outer = gemm(reshape(dbias, [1, o]), mean, { transA: 1 });
    const dw = sub(mul(sub(product, outer), column(factor)), mul(spread, column(slope)));
    const q = mul(gemm(mul(matrix, column(slope)), matrix, { transA: 1 }), -1 / pixels);
    const shift = mul(matmul(reshape(mul(factor, dbias), [1, o]), matrix), 1 / pixels);
    const constant = neg(add(shift, matmul(mean, q)));
    const da = gemm(dy, folded, {}, gemm(rows, q, {}, reshape(constant, [c])));
    return [asRows(da), plainly(reshape(dw, [o, c, 1, 1])), plainly(dscale), plainly(dbias)];
  },
};
