/** Exponential moving averages of parameters and statistics (Polyak averaging), which evaluation and export take. */
import { AVERAGE } from '../bundle/manifest';
import type { Recipe } from '../bundle/recipe';
import type { Value } from '../graph/graph';
import { add, cast, mul, sub } from '../ops/elementwise';
import type { Ports } from './ports';

export interface Averages {
  /** Moves the average of state `name` towards its new value. */
  follow(name: string, next: Value): void;
}

/** Adds the input `average_decay`, d, and for each followed tensor w the state a <- d a + (1 - d) w. Null where it is off. */
export function averagesOf(ports: Ports, { average }: Recipe): Averages | null {
  if (average.decay === 0) return null;
  const decay = ports.input('hyper', 'average_decay', 'float32', []);
  return {
    follow(name, next) {
      const before = ports.input('state', AVERAGE + name, next.dtype, next.shape);
      const d = cast(decay, next.dtype);
      ports.graph.phase('optimizer', () =>
        ports.graph.scope(`ema/${name.replaceAll('.', '/')}`, () =>
          // one product less than d a + (1 - d) w
          ports.next(AVERAGE + name, add(next, mul(sub(before, next), d))),
        ),
      );
    },
  };
}
