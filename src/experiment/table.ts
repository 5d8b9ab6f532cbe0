/** The grid's results as tables: accuracy and gain with their spread, and the paper's cells beside them. */
import { maxOf } from '../base/lists';
import { UserError } from '../base/errors';
import type { Cell } from './grid';
import type { Experiment, PaperCell } from './schema';
import { estimate, type Estimate } from '../base/statistics';

/** A place in the grid. */
type Place = Pick<Cell, 'dataSet' | 'labels' | 'method'>;

/** A method's gain over the baseline with the same labels, seed by seed. */
export interface Gain extends Place {
  /** test accuracy, points of percent */
  readonly gain: Estimate;
}

export interface Table {
  readonly dataSet: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Differences are taken between runs of one seed, which share images, order and initial weights. */
export function gains(cells: readonly Cell[], { baseline }: Experiment): Gain[] {
  return cells
    .filter(({ method }) => method !== baseline)
    .map(({ dataSet, labels, method, accuracies }) => {
      const base = find(cells, dataSet, labels, baseline);
      const gain = estimate(accuracies.map((accuracy, i) => 100 * (accuracy - base.accuracies[i])));
      return { dataSet, labels, method, gain };
    });
}

/** One table a data set: a row for each number of labels, columns for each method, its gain, and the paper. */
export function tables(cells: readonly Cell[], experiment: Experiment): Table[] {
  const all = gains(cells, experiment);
  return Object.entries(experiment.dataSets).flatMap(([dataSet, { methods, labels, paper }]) => {
    const own = cells.filter((cell) => cell.dataSet === dataSet);
    if (own.length === 0) return [];
    const names = Object.keys(methods);
    const others = names.filter((name) => name !== experiment.baseline);
    const rows = labels.map((fraction) => {
      const at = fraction.labels;
      return [
        at,
        ...names.map((method) => accuracy(find(cells, dataSet, at, method))),
        ...others.map((method) => formatGain(find(all, dataSet, at, method))),
        ...(paper.length > 0 ? [quote(paper, at, names)] : []),
      ];
    });
    const header = [
      'labels',
      ...names,
      ...others.map((name) => `gain of ${name}`),
      ...(paper.length > 0 ? ['the paper'] : []),
    ];
    return [{ dataSet, header, rows }];
  });
}

function find<T extends Place>(all: readonly T[], dataSet: string, labels: string, method: string): T {
  const found = all.find(
    (other) => other.dataSet === dataSet && other.labels === labels && other.method === method,
  );
  if (!found) throw new UserError(`the experiment has no cell ${dataSet}, ${labels}, ${method}`);
  return found;
}

/** `38.6 ± 0.4 (3)` */
function accuracy({ accuracies }: Cell): string {
  const { mean, deviation, count } = estimate(accuracies.map((each) => 100 * each));
  return `${mean.toFixed(1)}${count > 1 ? ` ± ${deviation.toFixed(1)}` : ''} (${count})`;
}

/** `+2.1 (+0.4 to +3.8)` */
function formatGain({ gain: { mean, interval } }: Gain): string {
  return `${signed(mean)}${interval ? ` (${signed(interval[0])} to ${signed(interval[1])})` : ''}`;
}

const signed = (x: number) => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(1)}`;

/** `75.9 ± 0.7 -> 75.9 ± 0.4 (recalled)` in the order of the methods. */
function quote(paper: readonly PaperCell[], labels: string, methods: readonly string[]): string {
  const quoted = methods.flatMap((name) =>
    paper.filter(({ labels: at, method }) => at === labels && method === name),
  );
  if (quoted.length === 0) return '-';
  const numbers = quoted.map(
    ({ mean, deviation }) => `${mean.toFixed(1)}${deviation === undefined ? '' : ` ± ${deviation}`}`,
  );
  return `${numbers.join(' -> ')} (${[...new Set(quoted.map(({ certainty }) => certainty))].join(', ')})`;
}

/** For a terminal: columns aligned. */
export function formatTable({ dataSet, header, rows }: Table): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, i) => maxOf(all.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => text.padEnd(widths[i]))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [dataSet, line(header), rule, ...rows.map(line)];
}

/** As Markdown. */
export function markdownTable({ dataSet, header, rows }: Table): string[] {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [`### ${dataSet}`, '', line(header), line(header.map(() => '---')), ...rows.map(line)];
}

/** What the numbers of the tables are. */
export const explanation = (experiment: Experiment): string =>
  'Test accuracy in %, mean ± sample standard deviation (runs). Gain: mean difference to ' +
  `${experiment.baseline} of the same seed, with its 95 % interval (Student's t). Learning rates were chosen on ` +
  `${experiment.validation} of the training images; the test images were read once, at the end.`;
