/** Layers with state: convolution, batch norm, linear, layer norm. Field names and layouts are PyTorch's. */
import type { Value } from '../graph/graph';
import { conv2d, type ConvOptions } from '../ops/conv';
import { add, mul } from '../ops/elementwise';
import { gemm, matmul, swapLast } from '../ops/matmul';
import { batchNorm, batchNormInference, layerNorm } from '../ops/norm';
import { reshape } from '../ops/shape';
import { elementCount } from '../graph/shape';
import type { Context } from './context';
import { Parameter, RunningStatistic } from './state';

/** Convolution without bias; weight [O, C/groups, k, k] ~ N(0, 2 / (k k O)) (He et al. 2015, fan out). */
export class Conv2d {
  readonly weight: Parameter;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    private readonly options: ConvOptions = {},
  ) {
    const shape = [outChannels, inChannels / (options.groups ?? 1), kernel, kernel];
    this.weight = new Parameter(shape, {
      kind: 'normal',
      std: Math.sqrt(2 / (kernel * kernel * outChannels)),
    });
  }

  apply(context: Context, x: Value): Value {
    return conv2d(x, context.value(this.weight), this.options);
  }
}

/** PyTorch's defaults. */
const BATCH_NORM = { epsilon: 1e-5, momentum: 0.1 };

/** Batch norm over (N, H, W); running averages follow the batch mean and the unbiased batch variance. */
export class BatchNorm2d {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly running_mean: RunningStatistic;
  readonly running_var: RunningStatistic;

  constructor(channels: number) {
    this.weight = new Parameter([channels], { kind: 'constant', value: 1 });
    this.bias = new Parameter([channels], { kind: 'constant', value: 0 });
    this.running_mean = new RunningStatistic([channels], 0);
    this.running_var = new RunningStatistic([channels], 1);
  }

  apply(context: Context, x: Value): Value {
    const scale = context.value(this.weight);
    const bias = context.value(this.bias);
    const runningMean = context.value(this.running_mean);
    const runningVariance = context.value(this.running_var);
    if (!context.training) {
      return batchNormInference(x, scale, bias, runningMean, runningVariance, BATCH_NORM.epsilon);
    }
    const { y, mean, variance } = batchNorm(x, scale, bias, BATCH_NORM.epsilon);
    const count = (elementCount(x.shape) ?? 0) / (x.shape[1] as number);
    if (count < 2) throw new Error('batch norm needs more than one value a channel to train');
    const { momentum } = BATCH_NORM;
    const follow = (running: Value, batch: Value, factor: number) =>
      add(mul(running, 1 - momentum), mul(batch, momentum * factor));
    context.updates.set(this.running_mean, follow(runningMean, mean, 1));
    context.updates.set(this.running_var, follow(runningVariance, variance, count / (count - 1)));
    return y;
  }
}

/** y = x W' + b for x [..., in]; weight [out, in] and bias ~ U(-1/sqrt(in), 1/sqrt(in)), PyTorch's default. */
export class Linear {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(inFeatures: number, outFeatures: number, biasInit?: Parameter['init']) {
    const init = { kind: 'uniform', bound: 1 / Math.sqrt(inFeatures) } as const;
    this.weight = new Parameter([outFeatures, inFeatures], init);
    this.bias = new Parameter([outFeatures], biasInit ?? init);
  }

  apply(context: Context, x: Value): Value {
    return affine(x, context.value(this.weight), context.value(this.bias));
  }
}

/** x [..., in] W' + b with weight [out, in], as one matrix product over all leading axes, where their sizes are known. */
export function affine(x: Value, weight: Value, bias: Value): Value {
  const features = x.shape[x.rank - 1];
  const lead = x.shape.slice(0, -1);
  if (x.rank === 2) return gemm(x, weight, { transB: 1 }, bias);
  if (elementCount(lead) === null) return add(matmul(x, swapLast(weight)), bias);
  const rows = lead.reduce<number>((n, d) => n * (d as number), 1);
  return reshape(gemm(reshape(x, [rows, features]), weight, { transB: 1 }, bias), [...lead, weight.shape[0]]);
}

/** Layer norm over the last axis. */
export class LayerNorm {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(features: number) {
    this.weight = new Parameter([features], { kind: 'constant', value: 1 });
    this.bias = new Parameter([features], { kind: 'constant', value: 0 });
  }

  apply(context: Context, x: Value): Value {
    return layerNorm(x, context.value(this.weight), context.value(this.bias));
  }
}
