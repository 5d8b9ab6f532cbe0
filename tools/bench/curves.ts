/** What a step of ours costs along one setting at a time: batch, width, depth, image size, K, threads. */
import { UserError } from '../../src/base/errors';
import { caseRecipe, type CaseName } from './cases';
import type { BenchOptions } from './options';
import { measurePlans, type Plan, type PlanReport } from './plan';
import type { Setting } from './rounds';
import { formatSpread, formatTable, type Column } from './table';

interface Point {
  readonly curve: string;
  readonly value: string;
}

export interface CurvesReport extends PlanReport {
  readonly case: CaseName;
  /** what each row is a point of; the first is the case as it is */
  readonly points: readonly Point[];
}

interface Line {
  readonly point: Point;
  readonly row: PlanReport['rows'][number];
  readonly built: PlanReport['built'][number];
}

/** Measures ours at every point; ratios are to the case as it is. */
export async function measureCurves(
  name: CaseName,
  options: BenchOptions,
  setting: Setting,
): Promise<CurvesReport> {
  const { batch, set, threads, without, contestants } = options;
  const loaded = caseRecipe(name, batch, set);
  const base: Plan = { key: name, contestant: contestants[0], loaded, without, threads, stepsPerRun: 1 };
  const points: Point[] = [{ curve: 'as it is', value: '' }];
  const plans = [base];
  const add = (curve: string, value: number | readonly number[], change: Partial<Plan>) => {
    points.push({ curve, value: String(value) });
    plans.push({ ...base, key: `${curve} ${String(value)}`, ...change });
  };
  const vary = (curve: string, key: string, values: readonly (number | readonly number[])[]) => {
    for (const value of values) {
      const override = `${key}=${JSON.stringify(value)}`;
      try {
        add(curve, value, { loaded: caseRecipe(name, batch, [...set, override]) });
      } catch (error) {
        // such as an image that its patches do not fill
        if (!(error instanceof UserError)) throw error;
        setting.progress(`left out: ${error.message}`);
      }
    }
  };
  const { recipe } = loaded;
  vary('batch', 'batch', scaled(recipe.batch, [0.25, 0.5, 2]));
  vary('width', 'network.width', scaled(recipe.network.width, [0.25, 0.5]));
  vary('depth', 'network.stages', depths(recipe.network.stages));
  vary('image size', 'image.size', scaled(recipe.image.size, [0.5, 2]));
  for (const k of [2, 4]) add('steps a call', k, { stepsPerRun: k });
  for (const count of scaled(threads, [0.5])) add('threads', count, { threads: count });
  const report = await measurePlans(plans, 0, options, setting);
  return { case: name, points, ...report };
}

const scaled = (value: number, factors: readonly number[]) =>
  factors.map((factor) => value * factor).filter((n) => Number.isInteger(n) && n > 0);

/** One block a stage, half of the blocks, twice as many; without `stages` themselves and repetitions. */
function depths(stages: readonly number[]): number[][] {
  const texts = [() => 1, (depth: number) => Math.ceil(depth / 2), (depth: number) => 2 * depth]
    .map((change) => JSON.stringify(stages.map(change)))
    .filter((text) => text !== JSON.stringify(stages));
  return [...new Set(texts)].map((text) => JSON.parse(text) as number[]);
}

const seconds = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '';

/** The same columns for the table and for CSV; `exact` ones hold one number each. */
const COLUMNS: readonly (Column<Line> & { readonly exact: (line: Line) => string | number | undefined })[] = [
  {
    title: 'curve',
    align: 'left',
    cell: ({ point, row }) => `${point.curve}${row.status === 'measured' ? '' : `: ${row.status}`}`,
    exact: ({ point }) => point.curve,
  },
  { title: 'value', cell: ({ point }) => point.value, exact: ({ point }) => point.value },
  {
    title: 's/step, median (min..max)',
    cell: ({ row }) => (row.stepSeconds ? formatSpread(row.stepSeconds) : ''),
    exact: ({ row }) => row.stepSeconds?.median,
  },
  {
    title: 'images/s',
    cell: ({ row }) => seconds(row.imagesPerSecond, 1),
    exact: ({ row }) => row.imagesPerSecond,
  },
  { title: 'time / as it is', cell: ({ row }) => seconds(row.ratio, 2), exact: ({ row }) => row.ratio },
  {
    title: 'GFLOP/s',
    cell: (line) => seconds(gigaflops(line), 0),
    exact: gigaflops,
  },
  { title: 'peak MB', cell: ({ row }) => seconds(row.peakMb, 0), exact: ({ row }) => row.peakMb },
  {
    title: 'session s',
    cell: ({ row }) => seconds(row.setupSeconds?.median, 2),
    exact: ({ row }) => row.setupSeconds?.median,
  },
  { title: 'nodes', cell: ({ built }) => String(built.nodes), exact: ({ built }) => built.nodes },
];

/** Of the matrix products in the graph as it is lowered, not of the network. */
function gigaflops({ row, built }: Line): number | undefined {
  return row.stepSeconds && (2 * built.multiplyAdds) / 1e9 / row.stepSeconds.median;
}

const linesOf = ({ points, rows, built }: CurvesReport): Line[] =>
  points.map((point, i) => ({ point, row: rows[i], built: built[i] }));

export function describeCurves(report: CurvesReport): string {
  const { rows } = report;
  return [
    `## cost curves of ${report.case}: one setting changed at a time`,
    '',
    formatTable(COLUMNS, linesOf(report)),
    ...rows.flatMap(({ key, status, why }) => (why === undefined ? [] : [`${key} ${status}: ${why}`])),
  ].join('\n');
}

/** Full precision, one header line. */
export function curvesCsv(report: CurvesReport): string {
  const quoted = (value: string | number | undefined) =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '');
  const lines = linesOf(report).map((line) => COLUMNS.map(({ exact }) => quoted(exact(line))));
  return [COLUMNS.map(({ title }) => quoted(title)), ...lines]
    .map((cells) => `${cells.join(',')}\n`)
    .join('');
}
