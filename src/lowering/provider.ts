/**
 * Which provider takes which implementation.
 *
 * The implementations on rows `[P, C]` are the CPU's: index tables and wide matrices, chosen by measurement there. CUDA and WebGPU
 * keep every image NCHW, whose Conv, ConvTranspose and MatMul are their fast path:
 * - convolution and gradient to the input by the provider's own operators (`plain`);
 * - gradient to the weight as matrix products over taps (`taps`): for 1x1 kernels one product and two transposes. The same as
 *   one Conv with the axes exchanged (`plain`) has a kernel as large as the image, for which few libraries are tuned;
 * - batch norm and its gradient as reductions over (N, H, W): training-mode BatchNormalization has no kernel on CUDA;
 * - ReLU's gradient by a comparison: HardSigmoid's factor of 1e30 may overflow in a shader, whose infinities are not defined;
 * - max pooling's gradient by comparison with the maximum: no scatter, and no indices, which WebGPU does not give.
 *
 * None of the choices for CUDA and WebGPU was ever timed on a device: they follow from which kernels exist. On WebGPU their
 * results are checked on a software driver (test/lowering/webgpu.slow.ts); `tools/bench/gpu` checks and times them on CUDA.
 */
import type { ConvAttributes } from '../ops/conv';
import type { Condition } from './context';

/** Graphs that the CPU runs. */
export const onCpu: Condition = (_inputs, _attrs, options) => options.provider === 'cpu';

/** Begin and end padded alike: cuDNN's transposed convolution knows one number an axis. */
export const evenPads: Condition = (_inputs, attrs) => {
  const { pads } = attrs as unknown as ConvAttributes;
  return pads[0] === pads[2] && pads[1] === pads[3];
};
