/** Floating-point operations of a kernel from the shapes it was called with: two for each multiply-add of a product. */
import type { Kernel } from './trace';

type Shape = readonly number[];

const size = (shape: Shape) => shape.reduce((product, length) => product * length, 1);

/**
 * C = A B over any leading axes: 2 |C| K. An operand may be stored transposed (`FusedMatMul`), so K is what A's matrix
 * holds beside C's rows: A has M K elements a matrix whichever way it lies.
 */
function matMul([a, b]: readonly Shape[], [c]: readonly Shape[]): number {
  if (a.length < 2) return 2 * size(c) * size(a);
  if (b.length < 2) return 2 * size(c) * size(b);
  const rows = c[c.length - 2];
  const inner = (a[a.length - 2] * a[a.length - 1]) / rows;
  return 2 * size(c) * (rows > 0 ? inner : 0);
}

/** A (or its transpose) [M, K], C [M, N]: 2 M N K; the added matrix is not counted. */
const gemm = ([a]: readonly Shape[], [c]: readonly Shape[]) =>
  c[0] > 0 ? (2 * size(c) * size(a)) / c[0] : 0;

/** W [Cout, Cin / groups, ...kernel]: each output element takes Cin / groups * kernel multiply-adds. */
const conv = ([, w]: readonly Shape[], [y]: readonly Shape[]) => (2 * size(y) * size(w)) / w[0];

/** W [Cin, Cout / groups, ...kernel]: each input element gives Cout / groups * kernel multiply-adds. */
const convTranspose = ([x, w]: readonly Shape[]) => (2 * size(x) * size(w)) / w[0];

const FLOPS: Readonly<Record<string, (inputs: readonly Shape[], outputs: readonly Shape[]) => number>> = {
  MatMul: matMul,
  FusedMatMul: matMul,
  TransposeMatMul: matMul,
  Gemm: gemm,
  FusedGemm: gemm,
  Conv: conv,
  FusedConv: conv,
  NhwcFusedConv: conv,
  ConvTranspose: convTranspose,
};

/** Whether the operator is a matrix product or a convolution. */
export const isProduct = (op: string) => Object.hasOwn(FLOPS, op);

/** Operations of one call; 0 for everything but matrix products and convolutions. */
export function flops({ op, inputs, outputs }: Pick<Kernel, 'op' | 'inputs' | 'outputs'>): number {
  if (!isProduct(op) || inputs.length < 2 || outputs.length < 1) return 0;
  return FLOPS[op](inputs, outputs);
}
