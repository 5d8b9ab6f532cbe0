/** Resuming: after a kill at any moment, a Ctrl-C or a damaged checkpoint, the run is the one that never stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listCheckpoints } from '../../src/run/checkpoints';
import { readMetrics } from '../../src/run/metricsLog';
import { silentReporter } from '../../src/training/progress';
import { train } from '../../src/training/trainer';
import type { TrainOptions } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { RANDOM, writeSmallBundle } from '../support/smallRun';

const STEPS = 30;
let folder: string;
let data: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-resume-'));
  await writeImageFolder(path.join(folder, 'images'), 48);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A fresh run folder with a bundle that takes random numbers in every step. */
function newRun(name: string): string {
  const directory = path.join(folder, name);
  writeSmallBundle(directory, ...RANDOM);
  return directory;
}

const options = (directory: string): TrainOptions => ({
  directory,
  data,
  steps: STEPS,
  threads: 1,
  checkpointEvery: 4,
});

/** What must not depend on interruptions. */
const losses = (directory: string) =>
  readMetrics(path.join(directory, 'metrics.jsonl')).map(
    ({ step, epoch, loss, accuracy, learning_rate }) => ({
      step,
      epoch,
      loss,
      accuracy,
      learning_rate,
    }),
  );
const finalBytes = (directory: string) =>
  readFileSync(path.join(directory, 'checkpoints', `step-${STEPS}.safetensors`));

function expectSameRun(directory: string, undisturbed: string): void {
  expect(losses(directory)).toEqual(losses(undisturbed));
  expect(losses(directory)).toHaveLength(STEPS);
  expect(finalBytes(directory).equals(finalBytes(undisturbed))).toBe(true);
}

/** Trains in a child process that gets `signal` when it prints `at` or `delay` ms after it; resolves with its end. */
async function trainChild(given: TrainOptions, at: string, signal: NodeJS.Signals, delay = 0) {
  const child = spawn(process.execPath, [path.join(__dirname, 'trainChild.js'), JSON.stringify(given)]);
  let output = '';
  let sent = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (sent || !output.includes(at)) return;
    sent = true;
    setTimeout(() => child.kill(signal), delay);
  });
  const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, killedBy, output };
}

let undisturbed: string;
beforeAll(async () => {
  undisturbed = newRun('undisturbed');
  await train(options(undisturbed));
});

test('killed with SIGKILL at several moments', async () => {
  const directory = newRun('killed');
  const kills: [at: string, delay: number][] = [
    ['step 2\n', 0], // before the first checkpoint
    ['step 4\n', 1], // about when one is written
    ['step 8\n', 3],
    ['step 17\n', 0],
  ];
  for (const [at, delay] of kills) {
    // The same command each time: --resume where there is nothing yet starts from the beginning.
    const { killedBy } = await trainChild({ ...options(directory), resume: true }, at, 'SIGKILL', delay);
    expect(killedBy).toBe('SIGKILL');
  }
  await train({ directory, resume: true });
  expectSameRun(directory, undisturbed);
});

test('Ctrl-C finishes the step, writes a checkpoint and can be resumed', async () => {
  const directory = newRun('interrupted');
  const { code, output } = await trainChild(options(directory), 'step 5\n', 'SIGINT');
  expect(code).toBe(130);
  expect(output).toContain('stopping');
  const lines = losses(directory);
  expect(listCheckpoints(directory)[0].step).toBe(lines[lines.length - 1].step);
  await train({ directory, resume: true });
  expectSameRun(directory, undisturbed);
});

test('a second Ctrl-C ends the process at once', async () => {
  const directory = newRun('interrupted-twice');
  const child = spawn(process.execPath, [
    path.join(__dirname, 'trainChild.js'),
    JSON.stringify({
      ...options(directory),
      steps: 1_000_000,
      checkpointEvery: 1_000_000,
      stepsPerRun: 20_000,
    }),
  ]);
  // The first step is not over for minutes: one call of the session does 20,000.
  child.stdout.on('data', (chunk: Buffer) => {
    if (!chunk.toString().includes('stopping')) return;
    // Of one that comes at once it is not known whether it is another.
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGINT'), 1000);
  });
  const runs = path.join(directory, 'metrics.jsonl');
  const waiting = setInterval(() => {
    if (!existsSync(runs)) return;
    clearInterval(waiting);
    child.kill('SIGINT');
  }, 20);
  const [, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  expect(killedBy).toBe('SIGINT');
  expect(listCheckpoints(directory)).toEqual([]);
});

test('a damaged newest checkpoint: the one before, with a warning; torn metrics are cut', async () => {
  for (const [name, damage] of [
    ['cut', (file: string) => truncateSync(file, 500)],
    [
      'flipped',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 5] ^= 1;
        writeFileSync(file, bytes);
      },
    ],
  ] as const) {
    const directory = path.join(folder, `damaged-${name}`);
    cpSync(undisturbed, directory, { recursive: true });
    damage(listCheckpoints(directory)[0].file);
    appendFileSync(path.join(directory, 'metrics.jsonl'), '{"step":31,"lo');
    const lines: string[] = [];
    await train(
      { directory, resume: true },
      { reporter: { ...silentReporter, line: (text) => lines.push(text) } },
    );
    expect(lines[0]).toMatch(/^warning: .*step-30\.safetensors.*taking the one before, step 28$/);
    expectSameRun(directory, undisturbed);
  }
});

test('resuming with other options names the difference; starting over an old run is refused', async () => {
  await expect(train({ directory: undisturbed, resume: true, seed: 5 })).rejects.toThrow(
    /^--seed 5: the run in .* was started with --seed 0; /,
  );
  await expect(train({ directory: undisturbed, resume: true, labels: '50%' })).rejects.toThrow(
    /^--labels 50%: the run in .* was started without --labels; /,
  );
  await expect(train(options(undisturbed))).rejects.toThrow(
    /has checkpoints up to step 30; add --resume to continue/,
  );
});

test('a finished run has nothing left to do', async () => {
  const before = finalBytes(undisturbed);
  const result = await train({ directory: undisturbed, resume: true });
  expect(result).toMatchObject({ step: STEPS, interrupted: false, last: undefined });
  expect(finalBytes(undisturbed).equals(before)).toBe(true);
});
