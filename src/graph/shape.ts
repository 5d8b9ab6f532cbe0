/** Types of tensors, and the shape arithmetic of the operators' inference. A dimension is a number, or a name such as `batch`. */
import type { Dim } from '../onnx/model';
import type { DType } from '../tensors/dtype';

export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const formatShape = (shape: Shape) => `[${shape.join(', ')}]`;
export const formatType = (type: TensorType) => `${type.dtype}${formatShape(type.shape)}`;

/** The shape of `a op b` under NumPy broadcasting, or null where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Dim[] | null {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else return null;
  }
  return result;
}

export const sameShape = (a: Shape, b: Shape) => a.length === b.length && a.every((d, i) => d === b[i]);

/** The shape as numbers; throws where a dimension is known only at run time. */
export function staticShape({ shape }: TensorType, why: string): number[] {
  return shape.map((d) => {
    if (typeof d === 'number') return d;
    throw new Error(`${why}: needs static sizes, got ${formatShape(shape)}`);
  });
}

/** `factor` times a dimension: a symbolic one becomes `4*batch`. */
export function times(dim: Dim, factor: number): Dim {
  if (typeof dim === 'number') return dim * factor;
  const { count, symbol } = parts(dim);
  return `${count * factor}*${symbol}`;
}

/** A symbolic dimension as a number times a name. */
export function parts(dim: string): { count: number; symbol: string } {
  const [, count = '1', symbol = dim] = /^(\d+)\*(.+)$/.exec(dim) ?? [];
  return { count: Number(count), symbol };
}

/** Product of static sizes, with the symbolic ones that both sides must share left out. */
export function staticPart(shape: Shape): { count: number; symbols: string } {
  const sizes = shape.map((d) => (typeof d === 'number' ? { count: d, symbol: null } : parts(d)));
  const symbols = sizes.map(({ symbol }) => symbol).filter((symbol) => symbol !== null);
  return { count: sizes.reduce((product, { count }) => product * count, 1), symbols: symbols.sort().join() };
}

/** The shape with its 0 (as in x) and -1 (what is left of x), as files write them, as sizes. */
export function resolveShape(x: Shape, wanted: Shape): Shape {
  const shape = wanted.map((d, i) => (d === 0 ? x[i] : d));
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  const all = staticPart(x);
  const rest = staticPart(shape.filter((_, i) => i !== open));
  const count = all.count / rest.count;
  const isShared = rest.symbols === all.symbols;
  if (!Number.isInteger(count) || (rest.symbols !== '' && !isShared)) {
    throw new Error(`cannot be reshaped to [${wanted.join(', ')}]`);
  }
  const size = isShared ? count : count === 1 ? all.symbols : `${count}*${all.symbols}`;
  return shape.map((d, i) => (i === open ? size : d));
}

/** Number of elements; a size that is known only at run time counts as 1. */
export const knownElements = ({ shape }: TensorType): number =>
  shape.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);

/** Number of elements, or null where a size is known only at run time. */
export function elementCount(shape: Shape): number | null {
  let count = 1;
  for (const d of shape) {
    if (typeof d !== 'number') return null;
    count *= d;
  }
  return count;
}

/** `axis` counted from the front; throws outside [-rank, rank). */
export function normalizeAxis(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw new Error(`axis ${axis} is outside a tensor of rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/** 0, 1, ... n-1. */
export const range = (n: number) => Array.from({ length: n }, (_, i) => i);
