/** Operators that move elements: reshape, transpose, expand, slice, pad, concat. */
import { defineOp } from '../graph/op';
import {
  broadcastShapes,
  normalizeAxis,
  range,
  resolveShape,
  sameShape,
  staticPart,
  type Shape,
} from '../graph/shape';
import type { Dim } from '../onnx/model';
import type { Value } from '../graph/graph';

const reshapeOp = defineOp<{ shape: Shape & readonly number[] }>('Reshape', {
  moves: true,
  view: true,
  half: 'follows',
  constantInputs: ['shape'],
  complete: ({ shape = [] }, [x]) => ({ shape: resolveShape(x.shape, shape) as readonly number[] }),
  infer: ([x], { shape }) => {
    const a = staticPart(x.shape);
    const b = staticPart(shape);
    if (a.count !== b.count || a.symbols !== b.symbols) {
      throw new Error(`cannot be reshaped to [${shape.join(', ')}]`);
    }
    if (b.symbols.includes(',')) throw new Error('expected at most one symbolic size');
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], [x]) => [() => reshape(dy, x.shape)],
});
/** The same elements in another shape. At most one size may be symbolic, and the input must have it too. */
export function reshape(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : reshapeOp.one([x], { shape: shape as readonly number[] });
}

/** Merges the sizes of `x` from axis `first` to `last` (inclusive) into one. */
export function flatten(x: Value, first: number, last: number): Value {
  const merged = x.shape.slice(first, last + 1);
  const symbol = merged.find((d) => typeof d === 'string');
  const size: Dim = merged.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
  if (symbol !== undefined && size !== 1) throw new Error('flatten: a symbolic size cannot be merged');
  return reshape(x, [...x.shape.slice(0, first), symbol ?? size, ...x.shape.slice(last + 1)]);
}

const transposeOp = defineOp<{ perm: readonly number[] }>('Transpose', {
  moves: true,
  half: 'follows',
  attributes: { perm: 'ints' },
  complete: ({ perm }, [x]) => ({ perm: perm ?? range(x.shape.length).reverse() }),
  infer: ([x], { perm }) => {
    if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i)) {
      throw new Error(`perm [${perm.join(', ')}] is no permutation of the axes`);
    }
    return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p]) }];
  },
  vjp: ([dy], _inputs, _outputs, { perm }) => [
    () =>
      transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
  ],
});
export function transpose(x: Value, perm: readonly number[]): Value {
  return perm.every((p, i) => p === i) && perm.length === x.rank ? x : transposeOp.one([x], { perm });
}

const expandOp = defineOp<{ shape: readonly number[] }>('Expand', {
  moves: true,
  half: 'follows',
  evaluate: (a) => a,
  constantInputs: ['shape'],
  infer: ([x], { shape }) => {
    const result = broadcastShapes(x.shape, shape);
    if (!result) throw new Error(`does not broadcast to [${shape.join(', ')}]`);
    return [{ dtype: x.dtype, shape: result }];
  },
  // The reverse walk sums dy over the broadcast axes.
  vjp: ([dy]) => [() => dy],
});
/** Broadcasts to a static shape. */
export function expand(x: Value, shape: readonly number[]): Value {
  return sameShape(x.shape, shape) ? x : expandOp.one([x], { shape });
}
export const expandLike = (x: Value, like: Value) => expand(x, like.shape as readonly number[]);

export type SliceAttributes = {
  starts: readonly number[];
  ends: readonly number[];
  axes: readonly number[];
  steps: readonly number[];
};
const sliceOp = defineOp<SliceAttributes>('Slice', {
  moves: true,
  half: 'follows',
  constantInputs: ['starts', 'ends', 'axes', 'steps'],
  complete: ({ starts = [], ends = [], axes = range(starts.length), steps = starts.map(() => 1) }, [x]) => {
    const front = axes.map((axis) => normalizeAxis(axis, x.shape.length));
    const within = (at: number, i: number) => {
      const size = x.shape[front[i]];
      return typeof size === 'number' ? Math.max(0, Math.min(size, at < 0 ? at + size : at)) : at;
    };
    return { starts: starts.map(within), ends: ends.map(within), axes: front, steps };
  },
  infer: ([x], { starts, ends, axes, steps }) => {
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      const size = shape[axis];
      if (typeof size !== 'number') throw new Error(`axis ${axis} has no static size`);
      if (starts[i] < 0 || ends[i] > size || starts[i] >= ends[i] || steps[i] < 1) {
        throw new Error(`${starts[i]}:${ends[i]}:${steps[i]} is outside axis ${axis} of size ${size}`);
      }
      shape[axis] = Math.ceil((ends[i] - starts[i]) / steps[i]);
    });
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], [x], _outputs, { starts, axes, steps }) => [
    () => {
      const begin = x.shape.map(() => 0);
      const end = x.shape.map(() => 0);
      let spread = dy;
      axes.forEach((axis, i) => {
        spread = spaced(spread, axis, steps[i]);
        begin[axis] = starts[i];
        end[axis] = (x.shape[axis] as number) - starts[i] - (spread.shape[axis] as number);
      });
      return pad(spread, begin, end);
    },
  ],
});

/** Puts step - 1 zeros between neighbours along an axis: size n -> (n - 1) step + 1. */
function spaced(x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const front = x.shape.slice(0, axis);
  const back = x.shape.slice(axis + 1);
  const n = x.shape[axis] as number;
  const widened = reshape(x, [...front, n, 1, ...back]);
  const none = widened.shape.map(() => 0);
  const padded = pad(
    widened,
    none,
    none.map((_, i) => (i === axis + 1 ? step - 1 : 0)),
  );
  return slice(reshape(padded, [...front, n * step, ...back]), axis, 0, (n - 1) * step + 1);
}

/** x[start:end:step] along several axes at once. */
export const sliceAxes = (x: Value, attrs: SliceAttributes): Value => sliceOp.one([x], attrs);

/** x[..., start:end:step, ...] along one axis; 0 <= start < end <= size. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const at = normalizeAxis(axis, x.rank);
  if (start === 0 && end === x.shape[at] && step === 1) return x;
  return sliceOp.one([x], { axes: [at], starts: [start], ends: [end], steps: [step] });
}

const padOp = defineOp<{ pads: readonly number[] }>('Pad', {
  moves: true,
  half: 'follows',
  constantInputs: ['pads'],
  infer: ([x], { pads }) => {
    const rank = x.shape.length;
    if (pads.length !== 2 * rank || pads.some((p) => p < 0)) {
      throw new Error(`expected ${2 * rank} non-negative pads`);
    }
    const shape = x.shape.map((d, i) => {
      const extra = pads[i] + pads[rank + i];
      if (extra !== 0 && typeof d !== 'number') throw new Error(`axis ${i} has no static size`);
      return extra === 0 ? d : (d as number) + extra;
    });
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], [x], _outputs, { pads }) => [
    () =>
      x.shape.reduce<Value>((v, d, axis) => {
        const begin = pads[axis];
        return begin === 0 && v.shape[axis] === d ? v : slice(v, axis, begin, begin + (d as number));
      }, dy),
  ],
});
/** Zeros around: `begin[i]` before and `end[i]` after axis i. */
export function pad(x: Value, begin: readonly number[], end: readonly number[]): Value {
  return [...begin, ...end].every((p) => p === 0) ? x : padOp.one([x], { pads: [...begin, ...end] });
}

const concatOp = defineOp<{ axis: number }>('Concat', {
  moves: true,
  half: 'follows',
  attributes: { axis: 'int' },
  complete: ({ axis = 0 }, [{ shape }]) => ({ axis: normalizeAxis(axis, shape.length) }),
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const rest = (shape: Shape) => shape.filter((_, i) => i !== axis);
    let size = 0;
    for (const x of inputs) {
      if (x.dtype !== first.dtype || !sameShape(rest(x.shape), rest(first.shape))) {
        throw new Error(`operands differ in more than axis ${axis}`);
      }
      const d = x.shape[axis];
      if (typeof d !== 'number') throw new Error(`axis ${axis} has no static size`);
      size += d;
    }
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? size : d)) }];
  },
  vjp: ([dy], inputs, _outputs, { axis }) => {
    let start = 0;
    return inputs.map((x) => {
      const from = start;
      start += x.shape[axis] as number;
      return () => slice(dy, axis, from, from + (x.shape[axis] as number));
    });
  },
});
export function concat(values: readonly Value[], axis: number): Value {
  return values.length === 1
    ? values[0]
    : concatOp.one(values, { axis: normalizeAxis(axis, values[0].rank) });
}

const tileOp = defineOp<{ repeats: readonly number[] }>('Tile', {
  moves: true,
  constantInputs: ['repeats'],
  infer: ([x], { repeats }) => {
    if (repeats.length !== x.shape.length) throw new Error('expected one repeat an axis');
    return [
      {
        dtype: x.dtype,
        shape: x.shape.map((d, i) => (repeats[i] === 1 ? d : (d as number) * repeats[i])),
      },
    ];
  },
});
/** The tensor repeated along its axes; used by lowering only, so it has no gradient. */
export function tile(x: Value, repeats: readonly number[]): Value {
  return repeats.every((r) => r === 1) ? x : tileOp.one([x], { repeats });
}

/** 0 .. n-1 of every axis after the first, for rank r: the axes of a per-example reduction. */
export const innerAxes = (rank: number) => range(rank).slice(1);
