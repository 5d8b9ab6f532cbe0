/** The training loop: batches to the session, metrics to the logs, checkpoints to the run's folder. */
import { existsSync } from 'node:fs';
import { withFolderLock, type FolderLock } from '../base/folderLock';
import { createLoader } from '../data/batches/loader';
import type { Loader } from '../data/batches/loader';
import type { Batch } from '../data/batches/options';
import { UserError } from '../base/errors';
import { StateSession } from '../runtime/stateSession';
import { listCheckpoints, writeCheckpoint } from '../run/checkpoints';
import { BrokenImages } from './broken';
import { batchOptions } from '../evaluation/feeds';
import { formatLoadReport } from '../run/loadReport';
import { prepareRun } from './prepare';
import type { PreparedRun, TrainOptions } from './prepare';
import { stepsToProbe, type Probe } from '../evaluation/probe';
import { silentReporter, type Reporter } from './reporter';
import { RunLog } from './runLog';
import { identityOf } from '../run/runFolder';
import { firstNotFinite } from '../run/stateTypes';
import { startFolder } from './startFolder';
import { graphsUsed, runSteps } from './stepper';
import type { StepResult } from './stepper';
import { Validation } from './validation';

export type { TrainOptions } from './prepare';

export interface TrainResult {
  /** steps finished in all */
  readonly step: number;
  readonly steps: number;
  /** stopped by `signal` before the last step */
  readonly interrupted: boolean;
  /** of the last step of this call; undefined where there was none left to do */
  readonly last: StepResult | undefined;
  /** newest checkpoint; undefined where it was stopped before the first step */
  readonly checkpoint: string | undefined;
  /** images that this call skipped: of the training data, of validation and of the probe */
  readonly broken: number;
}

export interface TrainHooks {
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
  readonly probe?: Probe;
}

/**
 * Trains the bundle in `options.directory` and writes run.json, metrics.jsonl, tensorboard/ and checkpoints/ there.
 * Nothing is written before options, bundle, provider, data and weights have been checked and the graph is loaded. When
 * `signal` fires, the step is finished, a checkpoint written and the call returns. What `probe` measures is logged with its
 * step; its time does not count as training.
 * Throws a UserError for anything wrong with those, and for a loss or weights that are no longer finite; checkpoints
 * are of finite states only.
 */
export async function train(
  options: TrainOptions,
  { reporter = silentReporter, signal, probe }: TrainHooks = {},
): Promise<TrainResult> {
  // Where there is no folder, `prepareRun` says so.
  if (!existsSync(options.directory)) await prepareRun(options, () => undefined);
  return withFolderLock(options.directory, 'selfie train', (lock) =>
    trainLocked(options, lock, { reporter, signal, probe }),
  );
}

async function trainLocked(
  options: TrainOptions,
  lock: FolderLock,
  { reporter, signal, probe }: TrainHooks & { readonly reporter: Reporter },
): Promise<TrainResult> {
  const warn = (line: string) => reporter.line(`warning: ${line}`);
  const run = await prepareRun(options, warn);
  const { bundle, settings, indices, startStep } = run;
  const { consistency } = bundle.manifest.recipe;
  const { ratio, operations: randAugment, magnitude, cutout } = consistency;
  const strong = { randAugment, magnitude, cutout };
  const loader = await createLoader({
    ...batchOptions(bundle.manifest, 'train'),
    spec: settings.data,
    split: 'train',
    indices,
    unlabelled: run.unlabelled && { ...run.unlabelled, ratio, strong },
    seed: settings.seed,
    broken: settings.broken,
    startStep: startStep * settings.accumulate,
    workers: options.workers,
    // While the session does one call, the batches of the next are made.
    prefetch: Math.max(4, settings.stepsPerRun, settings.accumulate),
    block: settings.stepsPerRun,
  });
  const session = new StateSession(bundle, settings);
  try {
    const graphs = graphsUsed(settings);
    for (const graph of run.validation ? [...graphs, 'eval' as const] : graphs) await session.load(graph);
    await session.setState(run.state);
    // The session's thread has its own: a second copy would be there for the whole training.
    run.state.clear();
    lock.check();
    startFolder(options.directory, run);
    if (run.loadReport) formatLoadReport(run.loadReport).forEach((line) => reporter.line(line));
    if (startStep > 0) reporter.line(`resuming after step ${startStep} of ${settings.steps}`);
    const { directory, workers } = options;
    const validation = new Validation(
      directory,
      startStep,
      bundle.manifest,
      settings,
      run.validation,
      workers,
      warn,
    );
    return await loop(directory, run, { loader, session, validation, lock }, { reporter, signal, probe });
  } finally {
    reporter.stop();
    await Promise.all([loader.close(), session.close()]);
  }
}

interface Running {
  readonly loader: Loader;
  readonly session: StateSession;
  readonly validation: Validation;
  readonly lock: FolderLock;
}

async function loop(
  directory: string,
  { bundle, settings, startStep }: PreparedRun,
  { loader, session, validation, lock }: Running,
  { reporter, signal, probe }: TrainHooks & { reporter: Reporter },
): Promise<TrainResult> {
  const { manifest } = bundle;
  const { steps, accumulate, checkpointEvery } = settings;
  const log = new RunLog(directory, startStep, (line) => reporter.line(`warning: ${line}`));
  const newest = () => listCheckpoints(directory).at(0)?.file;
  let step = startStep;
  let saved = startStep;
  let last: StepResult | undefined;
  let skippedInARow = 0;
  const broken = new BrokenImages((line) => reporter.line(`warning: ${line}`));

  const save = async () => {
    const state = new Map(await session.getState());
    const broken = firstNotFinite(state);
    if (broken !== undefined) throw notFinite(`${broken} is not finite after step ${step}`, newest());
    // A folder that was moved away would be made anew at the old place.
    lock.check();
    log.sync();
    const position = { step, dataPosition: step * accumulate, state };
    writeCheckpoint(directory, manifest, identityOf(settings), position, settings.keepCheckpoints);
    saved = step;
  };

  try {
    while (step < steps && !signal?.aborted) {
      const count = Math.min(stepsTogether(step, settings), stepsToProbe(probe, step));
      const waitStart = performance.now();
      const batches = await take(loader, count * accumulate);
      const waited = (performance.now() - waitStart) / 1000;
      broken.add(batches);
      const results = await runSteps(session, manifest, settings, step, batches);
      loader.release(batches);
      for (const [i, { metrics }] of results.entries()) {
        const at = `at step ${step + i + 1}`;
        if (!Number.isFinite(metrics.loss)) throw notFinite(`the loss is ${metrics.loss} ${at}`, newest());
        skippedInARow = metrics.skipped === 1 ? skippedInARow + 1 : 0;
        if (skippedInARow === MOST_SKIPPED)
          throw notFinite(`no gradients were finite for ${MOST_SKIPPED} steps, last ${at}`, newest());
      }
      const end = step + count;
      if (probe && (end % probe.every === 0 || end === steps)) {
        const before = performance.now();
        const measured = await probe.measure(session, settings.broken);
        log.exclude(performance.now() - before);
        broken.add([measured]);
        reporter.line(`step ${end}: ${measured.text}`);
        const result = results[count - 1];
        results[count - 1] = { ...result, metrics: { ...result.metrics, ...measured.metrics } };
      }
      for (const metrics of log.write(results, step, waited, manifest.recipe.batch * accumulate)) {
        reporter.step(metrics, steps);
      }
      step += count;
      last = results.at(-1);
      if (step % checkpointEvery !== 0 && step !== steps) continue;
      lock.check();
      // Before the checkpoint: a run that ends in between does it again.
      const metrics = await validation.run(session, step, broken);
      if (metrics !== null) {
        const right = (100 * metrics.accuracy).toFixed(2);
        reporter.line(`validation after step ${step}: loss ${metrics.loss.toFixed(4)}, accuracy ${right} %`);
        log.restartClock();
      }
      await save();
    }
    if (step > saved || steps === 0) await save();
    return { step, steps, interrupted: step < steps, last, checkpoint: newest(), broken: broken.count };
  } finally {
    log.close();
  }
}

/** A loss scale that was halved so often is no longer what makes gradients infinite. */
const MOST_SKIPPED = 50;

/**
 * Steps to do in one call of the session. Calls end at multiples of K, of the checkpoint interval, and at the end, so
 * that a resumed run makes the same calls.
 */
function stepsTogether(
  step: number,
  { stepsPerRun, checkpointEvery, steps }: PreparedRun['settings'],
): number {
  return Math.min(
    stepsPerRun - (step % stepsPerRun),
    checkpointEvery - (step % checkpointEvery),
    steps - step,
  );
}

async function take(loader: Loader, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  while (batches.length < count) {
    const next = await loader.next();
    if (next.done) throw new Error('the data ended before the training did');
    batches.push(next.value);
  }
  return batches;
}

function notFinite(what: string, checkpoint: string | undefined): UserError {
  const kept =
    checkpoint === undefined ? 'no checkpoint was written yet' : `the last good checkpoint is ${checkpoint}`;
  return new UserError(
    `${what}; build with a lower schedule.peak, more schedule.warmupSteps or optimizer.clipNorm=1 and train again (${kept})`,
  );
}
