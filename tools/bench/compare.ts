/** One case: all contestants, or ours without an optimization, train the same network from one state on one batch. */
import { OPTIMIZATION_NAMES } from '../../src/lowering/optimizations';
import { caseRecipe, CASES, type CaseName } from './cases';
import { CONTESTANTS, isOurs, TRAINER, type Contestant } from './contestants';
import { WARMUP, type BenchOptions } from './options';
import { measurePlans, type Plan, type PlanReport } from './plan';
import type { Setting } from './rounds';
import { formatRows, strangers } from './table';

export interface CaseReport extends PlanReport {
  readonly case: CaseName;
  readonly batch: number;
  /** row that ratios are to */
  readonly reference: number | undefined;
}

export async function compareCase(
  name: CaseName,
  options: BenchOptions,
  setting: Setting,
): Promise<CaseReport> {
  const { contestants } = options;
  const plain = contestants.findIndex((contestant) => contestant.name === 'ours');
  const first = plain >= 0 ? plain : contestants.findIndex(isOurs);
  const plans = contestants.map((contestant) => planOf(name, contestant, options));
  return measureCase(name, plans, first >= 0 ? first : undefined, options, setting);
}

/** Ours as it is, then without each optimization in turn. */
export async function ablateCase(
  name: CaseName,
  options: BenchOptions,
  setting: Setting,
): Promise<CaseReport> {
  const ours = planOf(name, options.contestants[0], options);
  const plans = OPTIMIZATION_NAMES.filter((optimization) => !ours.without.includes(optimization)).map(
    (optimization): Plan => ({
      ...ours,
      key: `without ${optimization}`,
      without: [...ours.without, optimization],
    }),
  );
  return measureCase(name, [ours, ...plans], 0, options, setting);
}

/** The bare session, then the trainer on the same bundle with data of its own. */
export async function overheadCase(
  name: CaseName,
  options: BenchOptions,
  setting: Setting,
): Promise<CaseReport> {
  const plans = [CONTESTANTS[0], TRAINER].map((contestant) => planOf(name, contestant, options));
  return measureCase(name, plans, 0, options, setting);
}

function planOf(name: CaseName, contestant: Contestant, options: BenchOptions): Plan {
  const { batch, set, without, threads, stepsPerRun } = options;
  const loaded = caseRecipe(name, batch, set);
  return { key: contestant.name, contestant, loaded, without, threads, stepsPerRun };
}

async function measureCase(
  name: CaseName,
  plans: readonly Plan[],
  reference: number | undefined,
  options: BenchOptions,
  setting: Setting,
): Promise<CaseReport> {
  const report = await measurePlans(plans, reference, options, setting);
  return { case: name, batch: plans[0].loaded.recipe.batch, reference, ...report };
}

/** The case's table with what one must know to read it. */
export function describeCase(report: CaseReport, { mode, threads, rounds, steps }: BenchOptions): string {
  const { batch, rows, reference, built } = report;
  const { parameters, multiplyAdds, nodes, buildSeconds } = built[reference ?? 0];
  const losses = mode !== 'overhead';
  const odd = losses ? strangers(rows, reference) : [];
  const versions = new Set(rows.flatMap(({ version }) => version ?? []));
  return [
    `## ${report.case}, batch ${batch}: ${CASES[report.case].describe}`,
    '',
    formatRows(rows, { losses }),
    '',
    `${threads} threads; ${rounds} rounds in turn, ${steps} steps a process, the first ${WARMUP} not timed; ${[...versions].join(', ')}.`,
    `${(parameters / 1e6).toFixed(2)} M parameters; our graph: ${nodes} nodes, ${((2 * multiplyAdds) / 1e9).toFixed(0)} GFLOP in matrix products, its bundle built in ${buildSeconds.toFixed(1)} s beforehand.`,
    ...rows.flatMap(({ key, status, why }) => (why === undefined ? [] : [`${key} ${status}: ${why}`])),
    ...(odd.length > 0
      ? [`NOT THE SAME NETWORK, or not its state: the first loss of ${odd.join(', ')} is another one.`]
      : []),
  ].join('\n');
}
