/** How far two trainings of the same bundle are apart. */
import { maxOf } from '../../../src/base/lists';
import { Random } from '../../../src/base/random';
import type { HostTensor } from '../../../src/tensors/dtype';
import type { State } from '../../../src/run/stateTypes';
import type { Trained } from './run';

/** Infinite for a step, a tensor or an element that is missing or no number. */
export interface Differences {
  /** largest |difference| of the loss, over all steps */
  readonly loss: number;
  /** |difference| / |truth| in the Euclidean norm, of the tensor in the middle and of the farthest */
  readonly median: number;
  readonly largest: number;
  /** the farthest tensor's name */
  readonly tensor: string;
}

export function differences(trained: Trained, truth: Trained): Differences {
  const losses = truth.metrics.map(({ loss }, i) => Math.abs((trained.metrics[i]?.loss ?? NaN) - loss));
  const distances = Array.from(truth.state, ([name, tensor]) => ({
    name,
    distance: distance(trained.state.get(name), tensor),
  })).sort((a, b) => a.distance - b.distance);
  const last = distances[distances.length - 1];
  return {
    loss: maxOf(losses.map(orInfinity)),
    median: distances[distances.length >> 1].distance,
    largest: last.distance,
    tensor: last.name,
  };
}

/** |a - truth| / |truth|, not divided where the truth is 0. */
function distance(a: HostTensor | undefined, truth: HostTensor): number {
  if (a?.dtype !== truth.dtype || a.shape.join() !== truth.shape.join()) return Infinity;
  let [apart, size] = [0, 0];
  for (let i = 0; i < truth.data.length; i++) {
    const right = Number(truth.data[i]);
    apart += (Number(a.data[i]) - right) ** 2;
    size += right ** 2;
  }
  return orInfinity(Math.sqrt(apart) / (size > 0 ? Math.sqrt(size) : 1));
}

const orInfinity = (value: number) => (Number.isNaN(value) ? Infinity : value);

/**
 * The state with every float32 number moved by at most one rounding, up or down by a draw. How far a training from there goes
 * apart is what float32 itself leaves open: sums in another order do no less.
 */
export function movedByRounding(state: State): State {
  return new Map(
    Array.from(state, ([name, tensor]) => {
      if (tensor.dtype !== 'float32') return [name, tensor];
      const random = new Random(0, 'rounding', name);
      const data = Float32Array.from(
        tensor.data as Float32Array,
        (x) => x * (1 + (random.uniform() < 0.5 ? -1 : 1) * 2 ** -24 * 1.5),
      );
      return [name, { ...tensor, data }];
    }),
  );
}
