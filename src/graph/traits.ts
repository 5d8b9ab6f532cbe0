/** Traits of operators: what passes and lowering ask instead of knowing names. A trait that is absent does not hold. */
import type { TensorType } from './shape';

export interface Traits {
  /** element i of the output depends on the operands' elements at i alone, after broadcasting */
  readonly elementwise?: boolean;
  /** elementwise, at the cost of more than one pass over memory */
  readonly heavy?: boolean;
  /** the operands may change places */
  readonly commutative?: boolean;
  /** puts elements in other places and computes none */
  readonly moves?: boolean;
  /** the output is the first operand's memory, in another shape */
  readonly view?: boolean;
  /** the operand that holds indices */
  readonly indices?: number;
  /** one element of the output from the operands', for constant folding */
  readonly evaluate?: (a: number, b: number) => number;
  /** the scalar that, as first or second operand, leaves the other one as it is */
  readonly neutral?: { readonly first?: number; readonly second?: number };
  /**
   * Mixed precision as in PyTorch's autocast: in float16 always, or where all operands are; or in float32 with the first output
   * rounded to the precision of the operand of this index, as PyTorch's kernels do inside. Absent: float32.
   */
  readonly half?: 'always' | 'follows' | { readonly rounds: number };
  /** the operator whose gradient this composite computes */
  readonly gradientOf?: string;
  /** matrix products and convolutions: multiply-adds of one call; a symbolic size counts as 1 */
  readonly multiplyAdds?: (
    inputs: readonly TensorType[],
    outputs: readonly TensorType[],
    attrs: Readonly<Record<string, unknown>>,
  ) => number;
}
