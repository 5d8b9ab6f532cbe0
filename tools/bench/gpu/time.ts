/** Times training steps of ours and of PyTorch on the same GPU, in turn; two tables a case. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Contestant } from '../contestants';
import { learningRateOf, type Answer } from '../job';
import { WARMUP } from '../options';
import type { Prepared } from '../prepare';
import { measureRounds, summarize, type Entry, type Row } from '../rounds';
import { formatRows, strangers } from '../table';
import { inWorkFolder, prepareWorkspace } from '../workspace';
import { GPU_CASES, gpuRecipe, type Compute, type GpuCaseName } from './cases';
import type { Place } from './check';
import type { GpuContestant } from './contestants';
import type { GpuOptions } from './options';

export interface TimeReport {
  readonly case: GpuCaseName;
  readonly batch: number;
  readonly built: Prepared;
  readonly tables: readonly { readonly group: string; readonly rows: readonly Row[] }[];
  /** every step of every process, a list of rounds for each contestant */
  readonly rounds: readonly (readonly Answer[])[];
}

const TITLES = {
  float32: 'float32 (products in TF32 on a GPU)',
  mixed: 'mixed precision',
} as const;

export const timeCase = (name: GpuCaseName, options: GpuOptions, place: Place): Promise<TimeReport> =>
  inWorkFolder(async (folder) => {
    const { contestants, timeoutSeconds } = options;
    const directories = new Map<Compute, string>();
    const built: Prepared[] = [];
    for (const compute of new Set(contestants.map((one) => one.compute))) {
      place.progress(`${name}, ${compute}: building the bundle`);
      const directory = path.join(folder, compute);
      mkdirSync(directory);
      const loaded = gpuRecipe(name, compute, options.batch, options.set);
      built.push(await prepareWorkspace(directory, loaded, { wrap: [], timeoutSeconds }, []));
      directories.set(compute, directory);
    }
    const { recipe } = gpuRecipe(name, 'float32', options.batch, options.set);
    const entries = contestants.map((one): Entry => {
      const { contestant, compute, loops } = one;
      const job = { directory: directories.get(compute) ?? folder, ...stepsOf(one, options) };
      return {
        key: contestant.name,
        contestant: options.device === 'cpu' ? onCpu(contestant) : contestant,
        job: {
          ...job,
          threads: options.threads,
          learningRate: learningRateOf(recipe),
          device: options.device,
        },
        imagesPerStep: recipe.batch,
        warmup: warmupOf(loops ? options.stepsPerRun : 1),
      };
    });
    const rounds = await measureRounds(entries, {
      ...options,
      root: place.root,
      wrap: [],
      progress: place.progress,
    });
    const tables = (['float32', 'mixed'] as const).flatMap((group) => {
      const own = contestants.flatMap((one, i) => (one.group === group ? i : []));
      if (own.length === 0) return [];
      const pick = <T>(all: readonly T[]) => own.map((i) => all[i]);
      const rows = summarize(pick(entries), pick(rounds), referenceOf(pick(contestants)));
      return { group: TITLES[group], rows };
    });
    return { case: name, batch: recipe.batch, built: built[0], tables, rounds };
  });

/** A CPU has no TF32. */
const onCpu = (contestant: Contestant): Contestant =>
  contestant.precision === 'tf32' ? { ...contestant, precision: 'float32' } : contestant;

const warmupOf = (k: number) => Math.ceil(WARMUP / k) * k;

/** Whole calls: at least one to warm up, at least as many steps to time as asked for. */
function stepsOf({ loops }: GpuContestant, { steps, stepsPerRun }: GpuOptions) {
  const k = loops ? stepsPerRun : 1;
  return { steps: warmupOf(k) + Math.ceil((steps - WARMUP) / k) * k, stepsPerRun: k };
}

/** Ratios are to ours where it takes part. */
function referenceOf(contestants: readonly GpuContestant[]): number | undefined {
  const found = contestants.findIndex(({ loops }) => loops);
  return found >= 0 ? found : undefined;
}

export function describeTiming(report: TimeReport, { rounds, steps, stepsPerRun }: GpuOptions): string {
  const { built, batch, tables } = report;
  const rows = tables.flatMap((table) => table.rows);
  const versions = new Set(rows.flatMap(({ version }) => version ?? []));
  const odd = strangers(rows, 0);
  return [
    `## ${report.case}, batch ${batch}: ${GPU_CASES[report.case].describe}`,
    ...tables.flatMap((table) => ['', `${table.group}:`, '', formatRows(table.rows, { losses: true })]),
    '',
    `${rounds} rounds in turn, ${steps - WARMUP} timed steps a process, ours ${stepsPerRun} steps a call; ${[...versions].join(', ')}.`,
    `${(built.parameters / 1e6).toFixed(2)} M parameters, ${((2 * built.multiplyAdds) / 1e9).toFixed(0)} GFLOP a step in products.`,
    ...rows.flatMap(({ key, status, why }) => (why === undefined ? [] : [`${key} ${status}: ${why}`])),
    ...(odd.length > 0
      ? [`NOT THE SAME NETWORK, or not its state: the first loss of ${odd.join(', ')} is another one.`]
      : []),
    '',
  ].join('\n');
}
