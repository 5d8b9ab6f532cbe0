/** Composites: batch normalization over (N, H, W) and layer normalization over the last axis. */
import { defineOp } from '../graph/op';
import { sameShape, type TensorType } from '../graph/shape';
import type { Value } from '../graph/graph';

type Epsilon = { epsilon: number };

function checkChannels(x: TensorType, ...rows: readonly TensorType[]): void {
  if (x.shape.length !== 4) throw new Error('expected x [N, C, H, W]');
  const fits = rows.every((row) => row.dtype === x.dtype && sameShape(row.shape, [x.shape[1]]));
  if (!fits) throw new Error("expected rows [C] of x's dtype after x");
}

const batchNormOp = defineOp<Epsilon>('BatchNorm', {
  composite: true,
  half: { rounds: 0 },
  infer: ([x, scale, bias]) => {
    checkChannels(x, scale, bias);
    return [x, scale, scale];
  },
  vjp: ([dy], [x, scale], [, mean, variance], { epsilon }) => {
    const gradients = () => batchNormGradientOp.call([dy, x, scale, mean, variance], { epsilon });
    let made: Value[] | null = null;
    const part = (i: number) => () => (made ??= gradients())[i];
    return [part(0), part(1), part(2)];
  },
});

const batchNormGradientOp = defineOp<Epsilon>('BatchNormGradient', {
  composite: true,
  gradientOf: 'BatchNorm',
  half: { rounds: 1 },
  infer: ([, x, scale]) => [x, scale, scale],
});

/**
 * Training-mode batch normalization of x [N, C, H, W]: y = scale (x - mean) / sqrt(variance + epsilon) + bias with the
 * batch's own mean and (biased) variance [C]. The statistics are outputs for the running averages; no gradient flows
 * through those two outputs.
 */
export function batchNorm(x: Value, scale: Value, bias: Value, epsilon = 1e-5) {
  const [y, mean, variance] = batchNormOp.call([x, scale, bias], { epsilon });
  return { y, mean, variance };
}

const batchNormInferenceOp = defineOp<Epsilon>('BatchNormInference', {
  composite: true,
  infer: ([x, ...rows]) => {
    checkChannels(x, ...rows);
    return [x];
  },
});
/** y = scale (x - mean) / sqrt(variance + epsilon) + bias with given statistics [C]; inference only. */
export const batchNormInference = (
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  epsilon = 1e-5,
) => batchNormInferenceOp.one([x, scale, bias, mean, variance], { epsilon });

const layerNormOp = defineOp<Epsilon>('LayerNorm', {
  composite: true,
  infer: ([x, ...rows]) => {
    const last = x.shape.slice(-1);
    const fits =
      last.length === 1 && rows.every((row) => row.dtype === x.dtype && sameShape(row.shape, last));
    if (!fits) throw new Error("expected scale and bias of the last axis, of x's dtype");
    const row = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] };
    return [x, row, row];
  },
  vjp: ([dy], [x, scale], [, mean, inverseDeviation]) => {
    let made: Value[] | null = null;
    const part = (i: number) => () =>
      (made ??= layerNormGradientOp.call([dy, x, scale, mean, inverseDeviation], {}))[i];
    return [part(0), part(1), part(2)];
  },
});

const layerNormGradientOp = defineOp<Record<string, never>>('LayerNormGradient', {
  composite: true,
  gradientOf: 'LayerNorm',
  infer: ([, x, scale]) => [x, scale, scale],
});

/** Layer normalization over the last axis of x [..., C], with scale and bias [C]. */
export const layerNorm = (x: Value, scale: Value, bias: Value, epsilon = 1e-5) =>
  layerNormOp.call([x, scale, bias], { epsilon })[0];
