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
import { setTimeout as wait } from 'node:timers/promises';
import { listCheckpoints } from '../../src/run/checkpoints';
import { readMetrics } from '../../src/run/metricsLog';
import { silentReporter } from '../../src/training/reporter';
import { train } from '../../src/training/trainer';
import type { TrainOptions } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { repositoryRoot } from '../support/paths';
import { stoppedSelfie } from '../support/selfie';
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

let undisturbed: string;
beforeAll(async () => {
  undisturbed = newRun('undisturbed');
  await train(options(undisturbed));
});

/** The same command each time: --resume where there is nothing yet starts from the beginning. */
const command = (directory: string) => [
  ...['train', directory, '--data', data, '--steps', String(STEPS), '--threads', '1'],
  ...['--checkpoint-every', '4', '--resume'],
];

test('killed at several moments', async () => {
  const directory = newRun('killed');
  const moments: [RegExp, number?][] = [
    [/write .*metrics\.jsonl$/, 3], // before the first checkpoint
    [/write .*step-4\.safetensors\..*tmp$/], // while one is written
    [/rename .*step-4\.safetensors$/], // when it lies there under another name
    [/renamed .*step-8\.safetensors$/], // when it has its name, and nothing else happened
    [/write .*tfevents/, 9], // in step 15, between its two logs
  ];
  for (const [at, count] of moments) {
    const { signal, stderr } = stoppedSelfie({ by: 'SIGKILL', at, count }, command(directory));
    expect([signal, stderr]).toEqual(['SIGKILL', stderr]);
  }
  expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([12, 8, 4]);
  await train({ directory, resume: true });
  expectSameRun(directory, undisturbed);
});

test('Ctrl-C finishes the step, writes a checkpoint and can be resumed', async () => {
  const directory = newRun('interrupted');
  const stop = { by: 'SIGINT', at: /write .*metrics\.jsonl$/, count: 5 } as const;
  const { code, stdout, stderr } = stoppedSelfie(stop, command(directory));
  expect(code).toBe(130);
  expect(stderr).toContain('stopping after this step');
  const { step } = listCheckpoints(directory)[0];
  expect(stdout).toContain(
    `stopped after step ${step} of ${STEPS}; continue with: selfie train ${directory}`,
  );
  expect(losses(directory)).toHaveLength(step);
  await train({ directory, resume: true });
  expectSameRun(directory, undisturbed);
});

test('a second Ctrl-C ends the process at once', async () => {
  const directory = newRun('interrupted-twice');
  // The first step is not over for minutes: one call of the session does 20,000.
  const endless = ['--steps', '1000000', '--checkpoint-every', '1000000', '--steps-per-run', '20000'];
  const args = ['train', directory, '--data', data, '--threads', '1', ...endless];
  const child = spawn(process.execPath, [path.join(repositoryRoot, 'bin', 'selfie.js'), ...args]);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  while (!existsSync(path.join(directory, 'metrics.jsonl'))) await wait(20);
  child.kill('SIGINT');
  await once(child.stderr, 'data');
  // Of one that comes at once it is not known whether it is another.
  const again = setInterval(() => child.kill('SIGINT'), 500);
  const [, killedBy] = await closed;
  clearInterval(again);
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
