/** What happens when a data thread dies: one error at the next batch, all threads gone, nothing hangs. */
import threads from 'node:worker_threads';
import { createLoader, type Loader, type LoaderOptions } from '../../../src/data/batches/loader';
import { UserError } from '../../../src/base/errors';
import { inTemporaryFolder } from '../../support/temporary';
import { writeFolder } from '../samples';

const OPTIONS: LoaderOptions = {
  spec: 'embedded',
  split: 'train',
  batch: 4,
  seed: 3,
  mode: 'train',
  image: { size: 32, channels: 3 },
  augment: { pad: 4, flip: true, cropScale: 0.3 },
  workers: 2,
};

const Worker = threads.Worker;
let started: threads.Worker[] = [];
let limits: threads.ResourceLimits | undefined;
beforeEach(() => {
  started = [];
  limits = undefined;
  Object.assign(threads, {
    Worker: class extends Worker {
      constructor(file: string, options?: threads.WorkerOptions) {
        super(file, { ...options, resourceLimits: limits });
        started.push(this);
      }
    },
  });
});
afterEach(() => {
  Object.assign(threads, { Worker });
});

/** Takes batches until it throws; the thrown error. Every thread has ended by then. */
async function failureOf(loader: Loader): Promise<unknown> {
  const ended = started.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  try {
    for await (const batch of loader) loader.release([batch]);
  } catch (error) {
    await Promise.all(ended);
    expect(await loader.next()).toEqual({ done: true, value: undefined });
    return error;
  }
  throw new Error('the loader ended without an error');
}

it.each([0, 1])('a killed thread (number %i of two)', async (victim) => {
  const loader = await createLoader(OPTIONS);
  expect(started).toHaveLength(2);
  await loader.next();
  const failed = failureOf(loader);
  void started[victim].terminate();
  const error = await failed;
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toMatch(
    /^UserError: a thread that reads embedded broke: it ended with code 1; [^\n]+$/,
  );
});

it('a thread killed while nobody waits', async () => {
  const loader = await createLoader({ ...OPTIONS, workers: 1 });
  await loader.next();
  const failed = new Promise((resolve) => started[0].once('exit', resolve));
  await started[0].terminate();
  await failed;
  await expect(loader.next()).rejects.toThrow('broke: it ended with code 1');
  expect((await loader.next()).done).toBe(true);
});

it('a thread that runs out of memory', async () => {
  // Less than its own code takes, and more than a thread of Node 22 takes before it runs any.
  limits = { maxOldGenerationSizeMb: 6 };
  const loader = await createLoader(OPTIONS);
  const error = await failureOf(loader);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toMatch(/^UserError: a thread that reads embedded broke: .*memory limit.*; [^\n]+$/);
});

it('threads killed while they decode', () =>
  inTemporaryFolder(async (folder) => {
    await writeFolder(folder, 4);
    const loader = await createLoader({ ...OPTIONS, spec: `folder:${folder}` });
    await loader.next();
    const failed = failureOf(loader);
    for (const worker of started) void worker.terminate();
    await expect(failed.then(String)).resolves.toMatch(/broke: it ended with code \d; [^\n]+$/);
  }));

it('closing is not a failure', async () => {
  const loader = await createLoader(OPTIONS);
  const next = loader.next();
  await loader.close();
  await next;
  expect(await loader.next()).toEqual({ done: true, value: undefined });
});
