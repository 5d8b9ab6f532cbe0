/** What a module holds: trainable parameters and buffers, found by one walker and named as PyTorch names them. */
import { Random } from '../base/random';

/** How a parameter starts. `normal` has mean 0. */
export type Init =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'constant'; readonly value: number };

/** A trainable tensor of a module. */
export class Parameter {
  constructor(
    readonly shape: readonly number[],
    readonly init: Init,
    /** false for positions and learned tokens, which some recipes do not decay (vectors are told by their rank) */
    readonly isWeight = true,
  ) {}
}

/** A tensor that training updates without a gradient, such as a running mean. */
export class RunningStatistic {
  constructor(
    readonly shape: readonly number[],
    readonly value: number,
  ) {}
}

export type StateTensor = Parameter | RunningStatistic;

/** A module is a plain object or class instance whose fields are state, modules, arrays of them, or settings. */
export type Module = object;

/** Every parameter and statistic of `module` with its dotted path, in field order. */
export function namedState(module: Module, prefix = ''): [string, StateTensor][] {
  return Object.entries(module).flatMap(([key, field]: [string, unknown]): [string, StateTensor][] => {
    const name = prefix + key;
    if (field instanceof Parameter || field instanceof RunningStatistic) return [[name, field]];
    return typeof field === 'object' && field !== null ? namedState(field, `${name}.`) : [];
  });
}

/** The initial values of a state tensor; they depend on the seed and its own name only. */
export function initialValues(name: string, state: StateTensor, seed: number): Float32Array {
  const data = new Float32Array(state.shape.reduce((a, b) => a * b, 1));
  if (state instanceof RunningStatistic) return data.fill(state.value);
  const { init } = state;
  if (init.kind === 'constant') return data.fill(init.value);
  const random = new Random(seed, 'init', name);
  for (let i = 0; i < data.length; i++) {
    data[i] = init.kind === 'normal' ? init.std * random.normal() : init.bound * (2 * random.uniform() - 1);
  }
  return data;
}
