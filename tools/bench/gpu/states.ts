/** Whether two runs of one training graph did the same: losses and states, beside what one rounding of the start does. */
import { maxOf } from '../../../src/base/lists';
import type { Manifest } from '../../../src/bundle/manifest';
import { Random } from '../../../src/base/random';
import type { HostTensor } from '../../../src/tensors/dtype';
import { median } from '../statistics';
import type { Compute } from './cases';

export type State = ReadonlyMap<string, HostTensor>;

export interface Run {
  readonly losses: readonly number[];
  readonly start: State;
  readonly end: State;
}

export interface Finding {
  readonly what: string;
  /** open: the reference itself moves so far by one rounding that agreement cannot be told */
  readonly verdict: 'ok' | 'FAIL' | 'open';
  /** the numbers behind it */
  readonly detail: string;
}

/**
 * Relative distances that are always allowed, and the most that counts as agreement. Between them the limit is FACTOR times
 * the yardstick: how far the reference moves from itself when every parameter at the start is changed by `rounding`.
 */
export const TOLERANCES: Readonly<
  Record<Compute, { loss: number; state: number; most: number; rounding: number }>
> = {
  float32: { loss: 1e-5, state: 1e-4, most: 0.05, rounding: 2 ** -23 },
  float16: { loss: 2e-3, state: 2e-2, most: 0.3, rounding: 2 ** -11 },
};
export const FACTOR = 4;

/** A tensor whose norm is far below its kind's (a gradient that is 0 but for rounding) is measured by the kind's. */
const NEGLIGIBLE = 1e-3;

/** `start` with every element of the parameters a little larger or smaller, the same at every call. */
export function disturbed(start: State, manifest: Pick<Manifest, 'state'>, rounding: number): State {
  const parameters = new Set(manifest.state.flatMap(({ name, kind }) => (kind === 'parameter' ? name : [])));
  return new Map(
    [...start].map(([name, tensor]) => {
      if (!parameters.has(name)) return [name, tensor] as const;
      const random = new Random(0, 'disturb', name);
      const data = Float32Array.from(tensor.data as Float32Array, (value) =>
        random.integer(2) === 0 ? value * (1 + rounding) : value * (1 - rounding),
      );
      return [name, { ...tensor, data }] as const;
    }),
  );
}

/** What is compared of a kind of state, by name: of parameters what training changed, of the others their value. */
function quantities(
  { start, end }: Run,
  names: readonly string[],
  change: boolean,
): Map<string, Float64Array> {
  return new Map(
    names.flatMap((name) => {
      const after = end.get(name);
      if (!after) return [];
      const values = Float64Array.from(after.data as ArrayLike<number>, Number);
      const before = start.get(name)?.data;
      if (change && before) values.forEach((value, i) => (values[i] = value - Number(before[i])));
      return [[name, values] as const];
    }),
  );
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** name -> |other - truth| / |truth|; infinite where a tensor is missing, has another size or is not finite. */
function distances(truth: ReadonlyMap<string, Float64Array>, other: ReadonlyMap<string, Float64Array>) {
  const usual = median([...truth.values()].map((values) => norm(values) / Math.sqrt(values.length)));
  return new Map(
    [...truth].map(([name, values]) => {
      const found = other.get(name);
      if (found?.length !== values.length) return [name, Infinity] as const;
      const scale = Math.max(norm(values), NEGLIGIBLE * usual * Math.sqrt(values.length));
      const off = norm(values.map((value, i) => value - found[i]));
      const distance = off === 0 ? 0 : off / scale;
      return [name, Number.isFinite(distance) ? distance : Infinity] as const;
    }),
  );
}

function judge(found: number, limit: number, most: number): Finding['verdict'] {
  if (found <= Math.min(limit, most)) return 'ok';
  return found <= limit && Number.isFinite(found) ? 'open' : 'FAIL';
}

const lossesOf = ({ losses }: Run) =>
  new Map(losses.map((loss, i) => [`step ${i + 1}`, Float64Array.of(loss)]));

/** `device` against `reference`; `other` is the reference from a disturbed start. */
export function compareRuns(
  { reference, device, other }: Readonly<Record<'reference' | 'device' | 'other', Run>>,
  manifest: Pick<Manifest, 'state'>,
  compute: Compute,
): Finding[] {
  const { loss, state, most } = TOLERANCES[compute];
  const namesOf = (kind: string) =>
    manifest.state.flatMap((entry) => (entry.kind === kind ? entry.name : []));
  const kinds = [
    { what: 'loss', floor: loss, of: lossesOf },
    {
      what: 'change of the parameters',
      floor: state,
      of: (run: Run) => quantities(run, namesOf('parameter'), true),
    },
    { what: 'running statistics', floor: state, of: (run: Run) => quantities(run, namesOf('buffer'), false) },
    { what: 'optimizer state', floor: state, of: (run: Run) => quantities(run, namesOf('optimizer'), false) },
  ];
  return kinds.flatMap(({ what, floor, of }) => {
    const truth = of(reference);
    if (truth.size === 0) return [];
    const ours = distances(truth, of(device));
    const yardstick = distances(truth, of(other));
    const [worst] = [...ours].reduce((a, b) => (b[1] > a[1] ? b : a));
    const summaries = { median, largest: (values: readonly number[]) => maxOf(values) };
    return Object.entries(summaries).map(([name, of]): Finding => {
      const found = of([...ours.values()]);
      const yard = of([...yardstick.values()]);
      const limit = Math.max(floor, FACTOR * yard);
      const where = name === 'largest' && found > 0 ? `; ${worst}` : '';
      const numbers = `${found.toExponential(1)} of ${limit.toExponential(1)} allowed`;
      const detail = `${numbers} (one rounding of the start: ${yard.toExponential(1)})${where}`;
      return { what: `${what}, ${name}`, verdict: judge(found, limit, most), detail };
    });
  });
}

/** A reference that stands still would agree with anything. */
export function trained(run: Run, manifest: Pick<Manifest, 'state'>): Finding {
  const parameters = manifest.state.flatMap(({ name, kind }) => (kind === 'parameter' ? name : []));
  const changes = [...quantities(run, parameters, true).values()];
  const moved = changes.filter((values) => norm(values) > 0).length;
  const finite =
    run.losses.every(Number.isFinite) && changes.every((values) => Number.isFinite(norm(values)));
  return {
    what: 'the reference trains',
    verdict: finite && moved > parameters.length / 2 ? 'ok' : 'FAIL',
    detail: `losses ${run.losses.map((loss) => loss.toFixed(5)).join(', ')}; ${moved} of ${parameters.length} parameters moved`,
  };
}
