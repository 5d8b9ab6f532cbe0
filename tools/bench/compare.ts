/** One case: all contestants train the same network from the same state on the same batch. */
import type { CaseName } from './cases';
import { caseRecipe, CASES } from './cases';
import { isOurs } from './contestants';
import type { Answer } from './job';
import { learningRateOf } from './job';
import type { BenchOptions } from './options';
import { checkSwitches } from './prepare';
import { measureRounds, referenceOf, summarize, type Entry, type Row, type Setting } from './rounds';
import { formatRows, strangers } from './table';
import { inWorkFolder, prepareWorkspace, type Workspace } from './workspace';

export interface CaseReport extends Omit<Workspace, 'directory'> {
  readonly case: CaseName;
  readonly batch: number;
  readonly rows: readonly Row[];
  /** every step of every process, a list of rounds for each row */
  readonly rounds: readonly (readonly Answer[])[];
}

export async function compareCase(
  name: CaseName,
  options: BenchOptions,
  setting: Setting,
): Promise<CaseReport> {
  checkSwitches(options.without);
  const loaded = caseRecipe(name, options.batch, options.set);
  const { batch } = loaded.recipe;
  return inWorkFolder(async (folder) => {
    setting.progress(`${name}: building the bundle`);
    const { directory, ...built } = await prepareWorkspace(folder, loaded, options, options.without);
    const entries = options.contestants.map((contestant): Entry => {
      const stepsPerRun = isOurs(contestant) ? options.stepsPerRun : 1;
      const { steps, threads } = options;
      const learningRate = learningRateOf(loaded.recipe);
      return {
        key: contestant.name,
        contestant,
        job: { directory, steps, stepsPerRun, threads, learningRate },
        imagesPerStep: batch,
      };
    });
    const rounds = await measureRounds(entries, setting);
    const rows = summarize(entries, rounds, setting, referenceOf(entries));
    return { case: name, batch, ...built, rows, rounds };
  });
}

/** The case's table with what one must know to read it. */
export function describeCase(report: CaseReport, { threads, rounds, steps, warmup }: BenchOptions): string {
  const { batch, rows, parameters, multiplyAdds, nodes, buildSeconds } = report;
  const reference = rows.findIndex(({ key }) => key.startsWith('ours'));
  const odd = strangers(rows, reference < 0 ? undefined : reference);
  const versions = new Set(rows.flatMap(({ version }) => version ?? []));
  return [
    `## ${report.case}, batch ${batch}: ${CASES[report.case].describe}`,
    '',
    formatRows(rows),
    '',
    `${threads} threads; ${rounds} rounds in turn, ${steps} steps a process, the first ${warmup} not timed; ${[...versions].join(', ')}.`,
    `${(parameters / 1e6).toFixed(2)} M parameters; our graph: ${nodes} nodes, ${((2 * multiplyAdds) / 1e9).toFixed(0)} GFLOP in matrix products, its bundle built in ${buildSeconds.toFixed(1)} s beforehand.`,
    ...rows.flatMap(({ key, status, why }) => (why === undefined ? [] : [`${key} ${status}: ${why}`])),
    ...(odd.length > 0
      ? [`NOT THE SAME NETWORK, or not its state: the first loss of ${odd.join(', ')} is another one.`]
      : []),
  ].join('\n');
}
