/** What the first step starts from. */
import { AVERAGE, type Port } from '../bundle/manifest';
import type { Recipe } from '../bundle/recipe';
import type { BoundState } from '../nn/context';
import { initialValues } from '../nn/state';
import { sizeOf, type HostTensor } from '../tensors/dtype';
import { LOSS_SCALE } from './update';

/** Every tensor of `state`: parameters and statistics by their own rule, the optimizer's zero but for the loss scale. */
export function initialState(
  state: readonly Pick<Port, 'name' | 'shape'>[],
  bound: readonly BoundState[],
  { seed, lossScale }: Pick<Recipe, 'seed' | 'lossScale'>,
): Map<string, HostTensor> {
  const own = new Map(bound.map((each) => [each.name, each.state]));
  return new Map(
    state.map(({ name, shape }) => {
      // A moving average starts where its tensor does.
      const source = name.startsWith(AVERAGE) ? name.slice(AVERAGE.length) : name;
      const tensor = own.get(source);
      const sizes = shape as number[];
      const data = tensor
        ? initialValues(source, tensor, seed)
        : new Float32Array(sizeOf(sizes)).fill(name === LOSS_SCALE ? lossScale.initial : 0);
      return [name, { dtype: 'float32', shape: sizes, data }];
    }),
  );
}
