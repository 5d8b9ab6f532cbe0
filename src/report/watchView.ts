/** The terminal view of a running job: what its folder says at a moment, as lines of text. */
import { mean } from '../base/statistics';
import type { StepMetrics } from '../run/metricsLog';
import { formatDuration } from '../base/progress';
import type { ValidationMetrics } from '../run/validationFile';
import { bar } from '../draw/braille';
import type { Measurement } from '../draw/curves';
import { measurements } from './runView';
import { percent } from '../draw/theme';
import { watchCurves } from './watchCurves';

export type JobState = 'not started' | 'running' | 'finished' | 'silent';

export interface Snapshot {
  readonly name: string;
  readonly recipe: string;
  readonly lines: readonly StepMetrics[];
  readonly validation: readonly ValidationMetrics[];
  readonly damaged: readonly string[];
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
  const { name, recipe, lines, validation, damaged, steps, chance, checkpointStep, silentSeconds } = snapshot;
  const state = jobState(snapshot);
  const said = state === 'silent' ? `silent for ${formatDuration(silentSeconds ?? NaN)}` : state;
  const head = `${name}  ${recipe}`.slice(0, Math.max(0, columns - said.length - 2));
  const title = `${paint('1', head)}  ${paint(STATE_CODE[state], said)}`;
  const last = lines.at(-1);
  if (!last) return [title, 'no step yet'];

  const all = measurements(lines, validation);
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
    ...('confident' in last ? [`confident ${percent(now('confident'))}`] : []),
    ...measuredFacts(all),
    `lr ${last.learning_rate.toPrecision(3)}`,
    `${now('images_per_second').toFixed(0)} images/s`,
    `data wait ${percent(now('data_wait'))}`,
    checkpointStep === null ? 'no checkpoint yet' : `checkpoint of step ${checkpointStep}`,
    ...(last.skipped_steps > 0 ? [`${last.skipped_steps} steps skipped`] : []),
    ...damaged.map((problem) => `${problem}; what follows is left out`),
  ];
  const top = [
    title,
    room >= 8
      ? `${paint('36', bar(last.step / steps, Math.min(40, room)))}  ${progress}`
      : progress.slice(0, columns),
    ...wrap(facts, columns),
  ];
  return [...top, ...watchCurves(all, chance, columns, rows - top.length, paint)].slice(0, rows);
}

/** What is measured now and then, as it was the last time. */
function measuredFacts(all: readonly Measurement[]): string[] {
  const last = (key: string) => all.filter((line) => key in line).at(-1);
  const validation = last('validation_accuracy');
  const knn = last('knn_accuracy');
  const linear = last('linear_accuracy');
  const spread = last('embedding_spread');
  return [
    ...(validation
      ? [
          `validation ${percent(validation.validation_accuracy)}, loss ${validation.validation_loss.toFixed(4)} (step ${validation.step})`,
        ]
      : []),
    ...(knn ? [`kNN ${percent(knn.knn_accuracy)} (step ${knn.step})`] : []),
    ...(linear ? [`linear probe ${percent(linear.linear_accuracy)} (step ${linear.step})`] : []),
    ...(spread
      ? [`spread ${spread.embedding_spread.toFixed(3)}, rank ${spread.embedding_rank.toFixed(1)}`]
      : []),
  ];
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
