/** An experiment from its file to its tables: what is run, where it is kept, what is written at the end. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../base/files';
import { withFolderLock } from '../base/folderLock';
import { UserError } from '../base/errors';
import { gainChart } from './gainChart';
import { svgToPng } from '../draw/png';
import { standalone } from '../draw/theme';
import { Children, Stopped } from './children';
import { claim, contentsOf, type Contents } from './claim';
import { type Cell, runGrid } from './grid';
import type { Experiment } from './schema';
import { explanation, formatTable, gains, markdownTable, tables } from './table';

export interface ExperimentOptions {
  readonly experiment: Experiment;
  /** forms of `SOURCE_FORMS`, one for each data set that is to be run */
  readonly data: readonly string[];
  readonly directory: string;
  /** trainings at the same time, default 1 */
  readonly jobs?: number;
  /** of each training; default: the machine's */
  readonly threads?: number;
  readonly workers?: number;
}

/**
 * Runs what is not finished of the grid and writes experiment.json, results.json, table.md and gain.svg (with .png) into
 * the folder. Returns the lines of the tables; null where `signal` stopped it, and the same call goes on.
 * Throws a UserError for a folder of another experiment, a source that no data set takes, and a command that fails.
 */
export async function runExperiment(
  { experiment, data, directory, jobs = 1, threads, workers }: ExperimentOptions,
  report: (line: string) => void,
  signal?: AbortSignal,
): Promise<string[] | null> {
  const sources = sourcesOf(experiment, data);
  for (const name of Object.keys(experiment.dataSets)) {
    if (!sources.has(name)) report(`${name} is left out: no --data ${name}:PATH`);
  }
  const contents: Contents = {};
  for (const [name, spec] of sources) contents[name] = await contentsOf(spec);
  mkdirSync(directory, { recursive: true });
  return withFolderLock(directory, 'selfie experiment', async () => {
    claim(directory, experiment, contents);
    const children = new Children(jobs, signal);
    let cells: Cell[];
    try {
      cells = await runGrid(children, experiment, { data: sources, directory, threads, workers, report });
    } catch (error) {
      await children.idle();
      if (error instanceof Stopped && signal?.aborted) return null;
      throw error;
    }
    return await write(directory, experiment, cells);
  });
}

/** Which source each data set takes: by the form's name, or the only source for the only data set. */
function sourcesOf({ dataSets }: Experiment, data: readonly string[]): Map<string, string> {
  const names = Object.keys(dataSets);
  const found = new Map<string, string>();
  for (const source of data) {
    const form = source.split(':')[0];
    const name = names.includes(form) ? form : names.length === 1 && data.length === 1 ? names[0] : undefined;
    if (name === undefined)
      throw new UserError(`--data ${source}: the experiment's data sets are ${names.join(', ')}`);
    if (found.has(name)) throw new UserError(`--data ${source}: there is one for ${name} already`);
    found.set(name, source);
  }
  return found;
}

async function write(directory: string, experiment: Experiment, cells: readonly Cell[]): Promise<string[]> {
  const inside = (name: string) => path.join(directory, name);
  const all = gains(cells, experiment);
  const made = tables(cells, experiment);
  const results = { title: experiment.title, cells, gains: all };
  writeFileAtomic(inside('results.json'), `${JSON.stringify(results, null, 2)}\n`);
  const markdown = [
    `## ${experiment.title}`,
    ...made.map((table) => markdownTable(table).join('\n')),
    explanation(experiment),
  ];
  writeFileAtomic(inside('table.md'), `${markdown.join('\n\n')}\n`);
  for (const { dataSet } of made) {
    const points = all
      .filter((each) => each.dataSet === dataSet)
      .map(({ method, labels, gain }) => {
        const [low, high] = gain.interval ?? [NaN, NaN];
        return { method, labels, gain: gain.mean, low, high };
      });
    const svg = standalone(await gainChart(`${dataSet}: gain over ${experiment.baseline}`, points));
    writeFileAtomic(inside(`gain-${dataSet}.svg`), svg);
    writeFileAtomic(inside(`gain-${dataSet}.png`), await svgToPng(svg));
  }
  return [
    experiment.title,
    '',
    ...made.flatMap((table) => [...formatTable(table), '']),
    explanation(experiment),
  ];
}
