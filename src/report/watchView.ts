/** The terminal view of a running job: what its folder says at a moment, as lines of text. */
import type { StepMetrics } from '../training/metricsLog';
import { formatDuration } from '../training/progress';
import { bar, braillePlot, rangeOf, resample } from './braille';
import { mean } from './curves';
import { percent } from './theme';

export type JobState = 'not started' | 'running' | 'finished' | 'silent';

export interface Snapshot {
  readonly name: string;
  readonly recipe: string;
  readonly lines: readonly StepMetrics[];
  readonly broken: number;
  /** in all */
  readonly steps: number;
  readonly chance: number;
  readonly checkpointStep: number | null;
  /** since the last line; null: no line yet */
  readonly silentSeconds: number | null;
}

/** Lines whose mean stands for "now". */
const RECENT = 50;
/** A job that says nothing for so many of its steps, and this many seconds, is no longer running as far as can be seen. */
const SILENT_STEPS = 20;
const SILENT_SECONDS = 30;

export function jobState({ lines, steps, silentSeconds }: Snapshot): JobState {
  const last = lines.at(-1);
  if (!last || silentSeconds === null) return 'not started';
  if (last.step >= steps) return 'finished';
  const patience = Math.max(SILENT_SECONDS, SILENT_STEPS * (secondsPerStep(lines) ?? 0));
  return silentSeconds > patience ? 'silent' : 'running';
}

/** Of the recent steps; null: too few lines. A stop between two pieces of a run does not count as time. */
export function secondsPerStep(lines: readonly StepMetrics[]): number | null {
  const recent = lines.slice(-RECENT);
  if (recent.length < 2) return null;
  const [first] = recent;
  const last = recent[recent.length - 1];
  return (last.elapsed_seconds - first.elapsed_seconds) / (last.step - first.step);
}

export interface ViewSettings {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

/** Escape sequences where colours are wanted, else the text as it is. */
const painter = (on: boolean) => (code: string, text: string) => (on ? `\x1b[${code}m${text}\x1b[0m` : text);

const STATE_CODE: Readonly<Record<JobState, string>> = {
  'not started': '33',
  running: '36',
  finished: '32',
  silent: '33',
};

/** The view in at most `rows` lines of at most `columns` characters; fewer rows leave out curves, last ones first. */
export function watchView(snapshot: Snapshot, { columns, rows, colour }: ViewSettings): string[] {
  const paint = painter(colour);
  const { name, recipe, lines, broken, steps, chance, checkpointStep, silentSeconds } = snapshot;
  const state = jobState(snapshot);
  const said = state === 'silent' ? `silent for ${formatDuration(silentSeconds ?? NaN)}` : state;
  const head = `${name}  ${recipe}`.slice(0, Math.max(0, columns - said.length - 2));
  const title = `${paint('1', head)}  ${paint(STATE_CODE[state], said)}`;
  const last = lines.at(-1);
  if (!last) return [title, 'no step yet'];

  const recent = lines.slice(-RECENT);
  const now = (key: string) => mean(recent.map((line) => line[key]));
  const pace = secondsPerStep(lines);
  const left = pace === null ? NaN : pace * (steps - last.step);
  const times =
    state === 'finished'
      ? `took ${formatDuration(last.elapsed_seconds)}`
      : `${formatDuration(last.elapsed_seconds)} so far, ${formatDuration(left)} left`;
  const progress = `step ${last.step}/${steps}  ${percent(last.step / steps, 0)}  epoch ${last.epoch}  ${times}`;
  const room = columns - progress.length - 2;
  const facts = [
    `loss ${now('loss').toFixed(4)}`,
    `accuracy ${percent(now('accuracy'))} (chance ${percent(chance)})`,
    `lr ${last.learning_rate.toPrecision(3)}`,
    `${now('images_per_second').toFixed(0)} images/s`,
    `data wait ${percent(now('data_wait'))}`,
    checkpointStep === null ? 'no checkpoint yet' : `checkpoint of step ${checkpointStep}`,
    ...(last.skipped_steps > 0 ? [`${last.skipped_steps} steps skipped`] : []),
    ...(broken > 0 ? [`${broken} broken lines left out`] : []),
  ];
  const top = [
    title,
    room >= 8
      ? `${paint('36', bar(last.step / steps, Math.min(40, room)))}  ${progress}`
      : progress.slice(0, columns),
    ...wrap(facts, columns),
  ];
  return [...top, ...curves(lines, chance, columns, rows - top.length, paint)].slice(0, rows);
}

/** Items side by side, three spaces apart, in as few lines as they need. */
function wrap(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + item.length <= columns)
      lines[lines.length - 1] = `${last}   ${item}`;
    else lines.push(item.slice(0, columns));
  }
  return lines;
}

const AXIS = 9;
const LEAST_ROWS = 4;
const MOST_ROWS = 8;

interface Curve {
  readonly key: string;
  readonly title: string;
  readonly code: string;
  readonly show: (value: number) => string;
  readonly zero?: boolean;
}

/** Plots as tall as the room allows, each below its title. */
function curves(
  lines: readonly StepMetrics[],
  chance: number,
  columns: number,
  room: number,
  paint: (code: string, text: string) => string,
): string[] {
  const all: Curve[] = [
    { key: 'loss', title: 'loss', code: '34', show: (x) => x.toPrecision(3) },
    {
      key: 'accuracy',
      title: `accuracy (chance ${percent(chance)})`,
      code: '32',
      show: (x) => percent(x, 0),
      zero: true,
    },
    { key: 'images_per_second', title: 'images/s', code: '35', show: (x) => x.toFixed(0), zero: true },
  ];
  const width = columns - AXIS - 1;
  const fit = Math.min(all.length, Math.floor(room / (LEAST_ROWS + 1)));
  if (fit === 0 || width < 10) return [];
  const height = Math.min(MOST_ROWS, Math.floor(room / fit) - 1);
  return all.slice(0, fit).flatMap(({ key, title, code, show, zero }) => {
    const values = lines.map((line) => line[key]);
    const [low, high] = rangeOf(resample(values, 2 * width));
    const range = [zero ? 0 : low, high] as const;
    const plot = braillePlot(values, width, height, range);
    return [
      paint('2', `${' '.repeat(AXIS + 1)}${title}`.slice(0, columns)),
      ...plot.map((row, i) => {
        const value = i === 0 ? show(range[1]) : i === height - 1 ? show(range[0]) : '';
        return `${paint('2', value.padStart(AXIS))} ${paint(code, row)}`;
      }),
    ];
  });
}
