/** The optimizations of the lowering that a recipe can turn off one by one (`without`), and what each does. */
export const OPTIMIZATIONS = {
  winograd: '3x3 convolutions at stride 1 and their gradients by Winograd F(4x4) and F(2x2) tiles',
  dense: '3x3 convolutions on 2x2 maps as one product of whole images',
  gram: "batch norm after a widening 1x1 convolution from its input's Gram matrix; the convolution's output is never stored",
  deferredScale:
    "batch norm's gradient leaves its factor per channel to the convolution gradients that follow",
  moments: 'variance as E[x^2] - mean^2: one pass less over the tensor',
  hardSigmoid: "ReLU's gradient mask as HardSigmoid(1e30 y)",
  slicedSums: 'sums over rows in 64 slices, which the runtime spreads over its threads',
  wideRows: 'broadcasts of a row over at least 1024 elements at a time',
  flatScalars: 'a scalar times a tensor [..., 1, 1] on the tensor as one row',
  residualGemm: "a gradient that is added to a product's result rides as Gemm's C",
} as const;

export type Optimization = keyof typeof OPTIMIZATIONS;
export const OPTIMIZATION_NAMES = Object.keys(OPTIMIZATIONS) as Optimization[];
