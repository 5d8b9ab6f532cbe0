/** Taking rows by index: patches, positions, pixels of a window. */
import { defineOp } from '../graph/op';
import { normalizeAxis, range, staticShape } from '../graph/shape';
import { sizeOf } from '../tensors/dtype';
import type { Value } from '../graph/graph';
import { gemm } from './matmul';
import { reshape, transpose } from './shape';
import { oneHot } from './softmax';

const gatherOp = defineOp<{ axis: number }>('Gather', {
  moves: true,
  indices: 1,
  half: 'follows',
  attributes: { axis: 'int' },
  complete: ({ axis = 0 }, [{ shape }]) => ({ axis: normalizeAxis(axis, shape.length) }),
  infer: ([x, indices], { axis }) => {
    if (indices.dtype !== 'int64' && indices.dtype !== 'int32') throw new Error('expected integer indices');
    return [
      { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
    ];
  },
  // Without scatter, which providers lack: dx[k] = sum_i [indices_i = k] dy_i, a product with a one-hot matrix.
  vjp: ([dy], [x, indices], _outputs, { axis }) => [
    () => {
      const shape = staticShape(x, 'gradient of Gather');
      const count = sizeOf(staticShape(indices, 'gradient of Gather'));
      const front = range(axis);
      const taken = range(indices.rank).map((i) => axis + i);
      const back = range(x.rank - axis - 1).map((i) => axis + indices.rank + i);
      const rest = [...shape.slice(0, axis), ...shape.slice(axis + 1)];
      const rows = reshape(transpose(dy, [...taken, ...front, ...back]), [count, sizeOf(rest)]);
      const dx = gemm(oneHot(reshape(indices, [count]), shape[axis], dy.dtype), rows, { transA: 1 });
      const order = range(x.rank).map((i) => (i === axis ? 0 : i < axis ? i + 1 : i));
      return transpose(reshape(dx, [shape[axis], ...rest]), order);
    },
    null,
  ],
});
/** Entries of `x` along `axis` at the indices (within range), whose shape takes the place of that axis. */
export const gather = (x: Value, indices: Value, axis = 0) =>
  gatherOp.one([x, indices], { axis: normalizeAxis(axis, x.rank) });
