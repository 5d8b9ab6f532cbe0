/** `selfie watch`: follows a run's folder and shows it, until the run ends or someone presses q or Ctrl-C. */
import path from 'node:path';
import type { ReadStream } from 'node:tty';
import { readBundle } from '../bundle/read';
import { listCheckpoints } from '../run/checkpoints';
import { readRun, runPaths } from '../run/runFolder';
import { readRecords } from '../run/records';
import { parseValidation } from '../run/validationFile';
import { MetricsTail } from '../run/metricsTail';
import { chanceOf } from './runView';
import { jobState, watchView, type Snapshot } from './watchView';

/** Reads what is there now; each call reads only what came since the last. */
export function snapshots(directory: string): () => Snapshot {
  const { manifest } = readBundle(directory);
  const tail = new MetricsTail(runPaths(directory).metrics);
  return () => {
    const changed = tail.read();
    const validation = readRecords(runPaths(directory).validationMetrics, parseValidation);
    return {
      name: path.basename(path.resolve(directory)),
      recipe: manifest.recipeName,
      lines: tail.records.values,
      validation: validation.values,
      damaged: [tail.records.problem('metrics.jsonl'), validation.problem('validation.jsonl')].flatMap(
        (problem) => problem ?? [],
      ),
      // A run of a folder may be started anew with other steps.
      steps: readRun(directory)?.steps ?? manifest.recipe.schedule.steps,
      chance: chanceOf(manifest),
      checkpointStep: listCheckpoints(directory).at(0)?.step ?? null,
      silentSeconds: changed === null ? null : Math.max(0, (Date.now() - changed) / 1000),
    };
  };
}

/** Nothing more will come: the last step's checkpoint is there, or will not be. */
const isOver = (snapshot: Snapshot) =>
  jobState(snapshot) === 'finished' &&
  (snapshot.checkpointStep === snapshot.steps || (snapshot.silentSeconds ?? 0) > CHECKPOINT_SECONDS);

const CHECKPOINT_SECONDS = 30;

/** Milliseconds between two pictures. */
const REFRESH = 1000;

const STOPPING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

const SCREEN = {
  enter: '\x1b[?1049h\x1b[?25l',
  leave: '\x1b[?25h\x1b[?1049l',
  home: '\x1b[H',
  rest: '\x1b[J',
};

/**
 * Shows the job on `output`, a terminal, and redraws it each second; resolves when the run has finished, or at q or Ctrl-C
 * on `input`. The last view stays on the screen.
 */
export async function watch(
  directory: string,
  output: NodeJS.WriteStream,
  input: ReadStream,
  colour: boolean,
): Promise<void> {
  const take = snapshots(directory);
  // A terminal may not know its size.
  const size = () => ({ columns: output.columns || 80, rows: (output.rows || 24) - 1, colour });
  let wake: () => void = () => {};
  let stopped = false;
  const stop = () => {
    stopped = true;
    wake();
  };
  const onKey = (key: Buffer) => {
    // In raw mode Ctrl-C comes as a character.
    if (['q', 'Q', '\x03', '\x1b'].includes(key.toString())) stop();
  };
  const onResize = () => wake();
  let snapshot = take();
  output.write(SCREEN.enter);
  if (input.isTTY) input.setRawMode(true);
  input.on('data', onKey);
  output.on('resize', onResize);
  const onSignal = (name: NodeJS.Signals) => {
    // Ctrl-C, of a terminal that is not raw, is an end like any other.
    process.exitCode = { SIGHUP: 129, SIGTERM: 143 }[name as string] ?? 0;
    stop();
  };
  for (const name of STOPPING) process.on(name, onSignal);
  try {
    while (!stopped) {
      snapshot = take();
      const lines = [...watchView(snapshot, size()), '', 'q ends the view, not the job'].slice(
        0,
        output.rows - 1,
      );
      output.write(`${SCREEN.home}${lines.map((line) => `${line}\x1b[K\n`).join('')}${SCREEN.rest}`);
      if (isOver(snapshot)) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REFRESH);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    for (const name of STOPPING) process.off(name, onSignal);
    output.off('resize', onResize);
    input.off('data', onKey);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
    output.write(SCREEN.leave);
  }
  for (const line of watchView(snapshot, size())) output.write(`${line}\n`);
}
