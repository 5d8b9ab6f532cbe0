/** Measures contestants in turn, one process a measurement, round after round, and sums the rounds up. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { maxOf } from '../../src/base/lists';
import { UserError } from '../../src/base/errors';
import { commandOf, type Contestant } from './contestants';
import { answerSchema, type Answer, type Job, type Measured } from './job';
import { launch } from './launch';
import { pairedRatio, spread, type Spread } from './statistics';

export interface Setting {
  /** the repository */
  readonly root: string;
  readonly python: string;
  readonly wrap: readonly string[];
  readonly timeoutSeconds: number;
  readonly rounds: number;
  readonly progress: (line: string) => void;
}

/** What is measured; `key` is unique among its like. */
export interface Entry {
  readonly key: string;
  readonly contestant: Contestant;
  readonly job: Omit<Job, 'variant'>;
  readonly imagesPerStep: number;
  /** first steps of each process that do not count: allocators grow, compilers compile */
  readonly warmup: number;
}

export interface Row {
  readonly key: string;
  readonly contestant: string;
  readonly precision: Contestant['precision'];
  readonly status: 'measured' | 'skipped' | 'failed';
  /** why it was skipped or failed */
  readonly why?: string;
  readonly stepSeconds?: Spread;
  readonly imagesPerSecond?: number;
  /** the largest of the rounds, MB of 2^20 bytes */
  readonly peakMb?: number;
  /** of the GPU, the largest of the rounds */
  readonly deviceMb?: number;
  /** of peakMb, what loading the libraries takes */
  readonly librariesMb?: number;
  /** from the start of the process to the end of `processSteps` steps */
  readonly processSeconds?: Spread;
  readonly processSteps?: number;
  /** creating the session; the model and its state for the peers */
  readonly setupSeconds?: Spread;
  /** how many times faster the reference is */
  readonly ratio?: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly version?: string;
}

/** Whole-process time is told up to here. */
const PROCESS_STEPS = 10;

/**
 * All measurements of `entries`, a list of rounds for each; round r starts with another entry than round r - 1. An entry
 * that fails or is skipped is not tried again.
 */
export async function measureRounds(entries: readonly Entry[], setting: Setting): Promise<Answer[][]> {
  const answers: Answer[][] = entries.map(() => []);
  const total = entries.length * setting.rounds;
  let done = 0;
  for (let round = 0; round < setting.rounds; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const index = (turn + round) % entries.length;
      const entry = entries[index];
      done++;
      const stopped = answers[index].some((answer) => !('seconds' in answer));
      const answer = stopped ? undefined : await measureOnce(entry, setting);
      if (answer) answers[index][round] = answer;
      setting.progress(`[${done}/${total}] ${entry.key}: ${answer ? describe(answer, entry.warmup) : '-'}`);
    }
  }
  return answers;
}

async function measureOnce({ contestant, job }: Entry, setting: Setting): Promise<Answer> {
  const caches = path.join(job.directory, `cache-${contestant.name}`);
  mkdirSync(caches, { recursive: true });
  const threads = String(job.threads);
  const answer = await launch({
    command: [
      ...commandOf(contestant, setting.root, setting.python),
      JSON.stringify({ ...job, variant: contestant.variant } satisfies Job),
    ],
    env: {
      OMP_NUM_THREADS: threads,
      MKL_NUM_THREADS: threads,
      // empty in the first round, so that its process time has the whole compilation in it
      TORCHINDUCTOR_CACHE_DIR: caches,
      TF_CPP_MIN_LOG_LEVEL: '3',
      ...contestant.env,
    },
    wrap: setting.wrap,
    timeoutSeconds: setting.timeoutSeconds,
  }).catch((error: unknown) => {
    if (error instanceof UserError) return { failed: error.message };
    throw error;
  });
  return answerSchema.parse(answer);
}

function describe(answer: Answer, warmup: number): string {
  if ('failed' in answer) return `failed: ${answer.failed}`;
  if ('skipped' in answer) return `skipped: ${answer.skipped}`;
  const { median } = spread(answer.seconds.slice(warmup));
  return `${median.toFixed(3)} s a step, ${answer.peakMb.toFixed(0)} MB, ${answer.ages.at(-1)?.toFixed(1)} s in all`;
}

const largest = (values: readonly number[]) => (values.length > 0 ? maxOf(values) : undefined);

/** A table's rows; ratios are to the entry at `reference`, none where it is undefined. */
export function summarize(
  entries: readonly Entry[],
  answers: readonly (readonly Answer[])[],
  reference: number | undefined,
): Row[] {
  const measured = answers.map((rounds) => rounds.map((a) => ('seconds' in a ? a : undefined)));
  const timed = measured.map((rounds, i) => rounds.map((m) => m?.seconds.slice(entries[i].warmup)));
  return entries.map(({ key, contestant, imagesPerStep }, i): Row => {
    const row = { key, contestant: contestant.name, precision: contestant.precision };
    const good = measured[i].filter((m): m is Measured => m !== undefined);
    const bad = answers[i].find((a) => !('seconds' in a));
    if (bad && 'failed' in bad) return { ...row, status: 'failed', why: bad.failed };
    if (bad && 'skipped' in bad) return { ...row, status: 'skipped', why: bad.skipped };
    const stepSeconds = spread(timed[i].flatMap((seconds) => seconds ?? []));
    const setups = good.flatMap(({ setupSeconds }) => setupSeconds ?? []);
    const processSteps = Math.min(PROCESS_STEPS, good[0].ages.length);
    return {
      ...row,
      status: 'measured',
      stepSeconds,
      imagesPerSecond: imagesPerStep / stepSeconds.median,
      peakMb: maxOf(good.map(({ peakMb }) => peakMb)),
      deviceMb: largest(good.flatMap(({ deviceMb }) => deviceMb ?? [])),
      librariesMb: maxOf(good.map(({ librariesMb }) => librariesMb)),
      processSeconds: spread(good.map(({ ages }) => ages[processSteps - 1])),
      processSteps,
      setupSeconds: setups.length > 0 ? spread(setups) : undefined,
      ratio: reference === undefined ? undefined : pairedRatio(timed[i], timed[reference]),
      firstLoss: good[0].losses[0],
      lastLoss: good[0].losses.at(-1),
      version: good[0].version,
    };
  });
}
