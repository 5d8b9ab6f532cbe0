/** Implementations of batch norm, layer norm and their gradients. */
import type { Value } from '../../graph/graph';
import { add, div, maximum, mul, neg, reciprocal, sqrt, sub } from '../../ops/elementwise';
import { batchNormalization, layerNormalization } from '../../ops/onnx';
import { reduceMean, reduceSum } from '../../ops/reduce';
import { range } from '../../graph/shape';
import { reshape } from '../../ops/shape';
import { asRows, imageSize, isStaticImage, plainly, type Implementation, type Physical } from '../context';
import { addRow, columnSum, mulRow } from './rows';

type Epsilon = { epsilon: number };

const inverseDeviation = (variance: Value, epsilon: number) => reciprocal(sqrt(add(variance, epsilon)));

/** y = a x + b with a = scale / deviation and b = bias - mean a. */
function affine(scale: Value, bias: Value, mean: Value, variance: Value, epsilon: number) {
  const a = mul(scale, inverseDeviation(variance, epsilon));
  return { a, b: sub(bias, mul(mean, a)) };
}

const staticImage = ([x]: readonly Value[]) => isStaticImage(x);

function batchNormRows(name: string, centered: boolean): Implementation {
  return {
    name,
    when: staticImage,
    build: (context, [x, scale, bias], { epsilon }: Epsilon) => {
      const rows = context.rows(x);
      const { pixels } = imageSize(x);
      const mean = mul(columnSum(context, rows), 1 / pixels);
      let variance: Value;
      if (centered) {
        const difference = addRow(context, rows, neg(mean));
        variance = mul(columnSum(context, mul(difference, difference)), 1 / pixels);
      } else {
        const meanOfSquares = mul(columnSum(context, mul(rows, rows)), 1 / pixels);
        variance = maximum(sub(meanOfSquares, mul(mean, mean)), 0);
      }
      const { a, b } = affine(context.plain(scale), context.plain(bias), mean, variance, epsilon);
      return [asRows(addRow(context, mulRow(context, rows, a), b)), plainly(mean), plainly(variance)];
    },
  };
}

/** variance = E[(x - mean)^2]: one more pass over x, no cancellation. */
export const batchNormCentered = batchNormRows('centered', true);
/** variance = E[x^2] - mean^2. */
export const batchNormMoments = batchNormRows('moments', false);

/**
 * With s = sum(dy), t = sum(dy x), r = 1 / deviation, P pixels: dscale = r (t - mean s), dbias = s and
 * dx = scale r (dy - s/P - r dscale (x - mean) / P).
 */
export const batchNormGradientRows: Implementation = {
  name: 'rows',
  when: ([, x]) => isStaticImage(x),
  build: (context, [dy, x, scale, mean, variance], { epsilon }: Epsilon) => {
    const d = context.rows(dy);
    const rows = context.rows(x);
    const m = context.plain(mean);
    const { pixels } = imageSize(x);
    const r = inverseDeviation(context.plain(variance), epsilon);
    const dbias = columnSum(context, d);
    const dscale = mul(r, sub(columnSum(context, mul(d, rows)), mul(m, dbias)));
    const a = mul(context.plain(scale), r);
    const slope = mul(mul(r, dscale), -1 / pixels);
    const offset = sub(mul(dbias, -1 / pixels), mul(slope, m));
    // dx / a; the factor per channel is left to whoever consumes dx.
    const unscaled = add(d, addRow(context, mulRow(context, rows, slope), offset));
    const product = () => mulRow(context, unscaled, a);
    const dx: Physical = context.uses('deferredScale')
      ? { ...asRows(unscaled), pending: { scale: a, product } }
      : asRows(product());
    return [dx, plainly(dscale), plainly(dbias)];
  },
};

/** ONNX's own operator in inference mode, which runtimes fold into the convolution before it. */
export const batchNormInferencePlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, inputs, { epsilon }: Epsilon) => [
    plainly(
      batchNormalization(
        inputs.map((v) => context.plain(v)),
        epsilon,
      ),
    ),
  ],
};

export const batchNormInferenceRows: Implementation = {
  name: 'rows',
  when: staticImage,
  build: (context, [x, ...rest], { epsilon }: Epsilon) => {
    const [scale, bias, mean, variance] = rest.map((v) => context.plain(v));
    const { a, b } = affine(scale, bias, mean, variance, epsilon);
    return [asRows(addRow(context, mulRow(context, context.rows(x), a), b))];
  },
};

/** ONNX's own operator. Its statistics are float32 whatever x is, so that only float32 takes it. */
export const layerNormPlain: Implementation = {
  name: 'plain',
  when: ([x]) => x.dtype === 'float32',
  build: (context, inputs, { epsilon }: Epsilon) =>
    layerNormalization(
      inputs.map((v) => context.plain(v)),
      epsilon,
    ).map(plainly),
};

/** The direct formula, for every dtype. */
export const layerNormFormula: Implementation = {
  name: 'formula',
  when: () => true,
  build: (context, inputs, { epsilon }: Epsilon) => {
    const [x, scale, bias] = inputs.map((v) => context.plain(v));
    const last = [x.rank - 1];
    const mean = reduceMean(x, last, 1);
    const difference = sub(x, mean);
    const r = inverseDeviation(reduceMean(mul(difference, difference), last, 1), epsilon);
    return [plainly(add(mul(mul(difference, r), scale), bias)), plainly(mean), plainly(r)];
  },
};

/** With n = (x - mean) r and g = dy scale: dx = r (g - mean(g) - n mean(g n)), dscale = sum(dy n), dbias = sum(dy). */
export const layerNormGradientPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, inputs) => {
    const [dy, x, scale, mean, r] = inputs.map((v) => context.plain(v));
    const normalized = mul(sub(x, mean), r);
    const outer = range(x.rank - 1);
    const size = x.shape.slice(0, -1).reduce<number>((n, d) => n * (d as number), 1);
    const sumRows = (v: Value) =>
      outer.length === 1
        ? columnSum(context, v)
        : columnSum(context, reshape(v, [size, x.shape[x.rank - 1]]));
    const g = mul(dy, scale);
    const last = [x.rank - 1];
    const dx = mul(
      sub(sub(g, reduceMean(g, last, 1)), mul(normalized, reduceMean(mul(g, normalized), last, 1))),
      r,
    );
    return [plainly(dx), plainly(sumRows(mul(dy, normalized))), plainly(sumRows(dy))];
  },
};

/** The direct formula on NCHW, the reference for the others. */
export const batchNormPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [x, scale, bias], { epsilon }: Epsilon) => {
    const image = context.plain(x);
    const c = x.shape[1] as number;
    const perChannel = (v: Value) => reshape(v, [c, 1, 1]);
    const mean = reduceMean(image, [0, 2, 3]);
    const difference = sub(image, perChannel(mean));
    const variance = reduceMean(mul(difference, difference), [0, 2, 3]);
    const normalized = div(difference, perChannel(sqrt(add(variance, epsilon))));
    const y = add(mul(normalized, perChannel(context.plain(scale))), perChannel(context.plain(bias)));
    return [plainly(y), plainly(mean), plainly(variance)];
  },
};

export const batchNormGradientPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [dyLogical, xLogical, scale, mean, variance], { epsilon }: Epsilon) => {
    const dy = context.plain(dyLogical);
    const x = context.plain(xLogical);
    const c = x.shape[1] as number;
    const perChannel = (v: Value) => reshape(v, [c, 1, 1]);
    const axes = [0, 2, 3];
    const r = inverseDeviation(context.plain(variance), epsilon);
    const normalized = mul(sub(x, perChannel(context.plain(mean))), perChannel(r));
    const dbias = reduceSum(dy, axes);
    const dscale = reduceSum(mul(dy, normalized), axes);
    const centered = sub(dy, reduceMean(dy, axes, 1));
    const dx = sub(centered, mul(normalized, reduceMean(mul(dy, normalized), axes, 1)));
    return [plainly(mul(dx, perChannel(mul(context.plain(scale), r)))), plainly(dscale), plainly(dbias)];
  },
};
