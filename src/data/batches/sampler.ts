/** Which examples a step sees: positions by arithmetic, orders from (seed, epoch), and subsets of the labels. */
import { UserError } from '../../base/errors';
import { Random } from '../../base/random';
import type { Source } from '../sources/source';

export interface Position {
  readonly epoch: number;
  /** examples of the epoch that came before */
  readonly offset: number;
}

/** Examples of one batch. */
export interface Draw {
  readonly epoch: number;
  /** [batch], indices in the source */
  readonly indices: Int32Array;
  /** examples that count; those behind are repetitions that fill the batch */
  readonly valid: number;
}

/** Maps a step to its examples, in any order of steps. */
export interface Sampler {
  /** steps in one pass over the examples */
  readonly stepsPerEpoch: number;
  draw(step: number): Draw;
}

/** Where `step` is when an epoch has `stepsPerEpoch` full batches and drops the rest. */
export function position(step: number, stepsPerEpoch: number, batch: number): Position {
  return { epoch: Math.floor(step / stepsPerEpoch), offset: (step % stepsPerEpoch) * batch };
}

/**
 * Training order: each epoch a new permutation of `indices` drawn from (seed, epoch) and the name `stream`, cut into full
 * batches; the rest of the epoch is dropped.
 * @throws UserError where there are fewer examples than one batch
 */
export function shuffledSampler(indices: Int32Array, batch: number, seed: number, stream = 'order'): Sampler {
  const stepsPerEpoch = Math.floor(indices.length / batch);
  if (stepsPerEpoch === 0) {
    throw new UserError(
      `${indices.length} examples are fewer than one batch of ${batch}; take more, or build the graph with ` +
        `--set batch=${Math.max(1, indices.length)} or less`,
    );
  }
  let last: { epoch: number; order: Int32Array } | undefined;
  return {
    stepsPerEpoch,
    draw(step) {
      const { epoch, offset } = position(step, stepsPerEpoch, batch);
      if (last?.epoch !== epoch) {
        last = { epoch, order: new Random(seed, stream, epoch).permutation(indices.length) };
      }
      return {
        epoch,
        indices: last.order.subarray(offset, offset + batch).map((i) => indices[i]),
        valid: batch,
      };
    },
  };
}

/** Evaluation order: `indices` once as they stand; the last batch is filled by repeating its last example. */
export function sequentialSampler(indices: Int32Array, batch: number): Sampler {
  return {
    stepsPerEpoch: Math.ceil(indices.length / batch),
    draw(step) {
      const part = indices.subarray(step * batch, (step + 1) * batch);
      if (part.length === 0) throw new RangeError(`step ${step} of ${Math.ceil(indices.length / batch)}`);
      const filled = new Int32Array(batch).fill(part[part.length - 1]);
      filled.set(part);
      return { epoch: 0, indices: filled, valid: part.length };
    },
  };
}

/** What `--labels` and `--validation` say: a percentage, a number of examples, or a number a class. */
export type SubsetSpec =
  { readonly percent: number } | { readonly count: number } | { readonly perClass: number };

/** `5%`, `4000`, `60/class`. UserError, in which `option` is named, for anything else. */
export function parseSubset(spec: string, option: string): SubsetSpec {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(%|\/class)?$/.exec(spec.trim()) ?? [];
  const value = Number(number);
  if (number === undefined || (unit !== '%' && !Number.isSafeInteger(value))) {
    throw new UserError(
      `${option} '${spec}' is neither a percentage like 5% nor a number of examples like 4000 or 60/class`,
    );
  }
  return unit === '%' ? { percent: value } : unit === '/class' ? { perClass: value } : { count: value };
}

/** Examples for each class, as equal as the classes' sizes allow; what does not divide goes to classes drawn at random. */
function shares(sizes: readonly number[], count: number, random: Random): number[] {
  const result = sizes.map(() => 0);
  // Smallest classes first: what they cannot give is left to the larger. The sort is stable, so ties are drawn.
  const order = [...random.permutation(sizes.length)].sort((a, b) => sizes[a] - sizes[b]);
  let left = count;
  for (const [i, label] of order.entries()) {
    result[label] = Math.min(sizes[label], Math.floor(left / (order.length - i)));
    left -= result[label];
  }
  return result;
}

export interface SubsetOptions {
  /** examples to draw from; default: all of the source */
  readonly pool?: Int32Array;
  /** as many examples of each class (the default), or drawn uniformly */
  readonly balanced?: boolean;
  /** what messages call it; default labels */
  readonly option?: string;
}

/**
 * Indices of a subset, ascending. `spec` is a percentage of the pool (`5%`), a number of examples (`4000`) or one for each
 * class (`60/class`). Balanced over the classes, or else uniform; drawn from the seed, and under one seed a smaller subset
 * of a class lies within a larger one.
 * @throws UserError for none, for more than there are, for anything else, and for a source without labels
 */
export function subset(
  source: Pick<Source, 'name' | 'length' | 'classes' | 'label'>,
  spec: string,
  seed: number,
  { pool, balanced = true, option = 'labels' }: SubsetOptions = {},
): Int32Array {
  const { classes, name } = source;
  const parsed = parseSubset(spec, option);
  const byClass = balanced || 'perClass' in parsed;
  if (byClass && classes === null) throw new UserError(`${option} '${spec}': ${name} has no labels`);
  const indices = pool ?? Int32Array.from({ length: source.length }, (_, i) => i);
  const total = indices.length;
  const size =
    'percent' in parsed
      ? (parsed.percent / 100) * total
      : 'count' in parsed
        ? parsed.count
        : parsed.perClass * (classes?.length ?? 0);
  const count = Math.round(size);
  if (count < 1) throw new UserError(`${option} '${spec}' of ${total} examples in ${name} leaves none`);
  if (size > total) throw new UserError(`${option} '${spec}' is more than the ${total} examples of ${name}`);
  // Labels and validation of one seed are draws of their own.
  const stream = option === 'labels' ? 'subset' : option;
  if (!byClass || classes === null) {
    const order = new Random(seed, stream).permutation(total);
    return order
      .slice(0, count)
      .map((i) => indices[i])
      .sort();
  }
  const members: number[][] = classes.map(() => []);
  for (const index of indices) members[source.label(index) ?? 0].push(index);
  const sizes = members.map((own) => own.length);
  if ('perClass' in parsed) {
    const short = sizes.findIndex((size) => size < parsed.perClass);
    if (short >= 0)
      throw new UserError(`${option} '${spec}': class ${classes[short]} of ${name} has only ${sizes[short]}`);
  }
  const share = shares(sizes, count, new Random(seed, stream));
  return Int32Array.from(
    members.flatMap((own, label) => {
      const order = new Random(seed, stream, label).permutation(own.length);
      return Array.from(order.subarray(0, share[label]), (i) => own[i]);
    }),
  ).sort();
}

/** `count` of `length` indices, evenly spread. */
export function spread(length: number, count: number): Int32Array {
  const used = Math.min(length, count);
  return Int32Array.from({ length: used }, (_, i) => Math.floor((i * length) / used));
}

/** The examples of a source that are not in `taken`, ascending. */
export function allBut(length: number, taken: Int32Array): Int32Array {
  const out = new Set(taken);
  return Int32Array.from({ length }, (_, i) => i).filter((i) => !out.has(i));
}
