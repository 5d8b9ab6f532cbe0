/** Batches are made of waiting requests, every answer goes to its request, and the queue has an end; on a clock of its own. */
import type { HostTensor } from '../../../src/tensors/dtype';
import { Batcher, type BatchRun, type BatchSettings } from '../../../src/serving/models/batcher';
import type { Tensors } from '../../../src/inference/modelThread';

const tensor = (values: readonly number[], columns = 1): HostTensor => ({
  dtype: 'float32',
  shape: [values.length / columns, columns],
  data: Float32Array.from(values),
});
const inputs = (values: readonly number[], columns?: number): Tensors =>
  new Map([['x', tensor(values, columns)]]);
const valuesOf = (outputs: Tensors) => [...(outputs.get('y')?.data as Float32Array)];

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** What comes of promises when the clock runs until nothing waits any more. */
async function settled<T>(promises: Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
  const all = Promise.allSettled(promises);
  await jest.runAllTimersAsync();
  return all;
}

const answersOf = async (promises: Promise<Tensors>[]) =>
  (await settled(promises)).map((answer) =>
    answer.status === 'fulfilled' ? valuesOf(answer.value) : 'error',
  );

/** Doubles x after some milliseconds; refuses negative numbers. */
function doubling(settings: Omit<BatchSettings, 'maxQueueBytes'> & Partial<BatchSettings>, milliseconds = 5) {
  const runs: BatchRun[] = [];
  let atOnce = 0;
  const batcher = new Batcher(
    async (given) => {
      expect(++atOnce).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      atOnce--;
      const { shape, data } = given.get('x') as HostTensor;
      const values = Array.from(data as Float32Array);
      if (values.some((value) => value < 0)) throw new Error('negative');
      return new Map([
        ['y', { dtype: 'float32' as const, shape, data: Float32Array.from(values, (v) => 2 * v) }],
      ]);
    },
    { maxQueueBytes: Infinity, ...settings },
    (run) => runs.push(run),
  );
  return { batcher, runs };
}

test('requests that come together share a batch of at most its rows', async () => {
  const { batcher, runs } = doubling({ maxBatch: 4, delay: 20, maxQueue: 100 });
  const sizes = [1, 2, 1, 3, 1, 1];
  const requests = sizes.map((rows, i) => Array.from({ length: rows }, (_, row) => 10 * i + row));
  const answers = await answersOf(requests.map((values) => batcher.infer(inputs(values))));
  expect(answers).toEqual(requests.map((values) => values.map((value) => 2 * value)));
  expect(runs.map(({ rows }) => rows)).toEqual([4, 4, 1]);
  expect(runs.map(({ requests: count }) => count)).toEqual([3, 2, 1]);
  expect(runs.map(({ seconds }) => seconds)).toEqual(
    new Array(3).fill({ input: 0, infer: 0.005, output: 0 }),
  );
  // full ones start at once, one after the other; the last request waits as long as it may
  expect(runs.map(({ waited }) => waited)).toEqual([[0, 0, 0], [0.005, 0.005], [0.02]]);
});

test('a request alone waits as long as the delay, a later one until then, and none without batching', async () => {
  const waits = doubling({ maxBatch: 4, delay: 30, maxQueue: 10 });
  const first = waits.batcher.infer(inputs([1]));
  await jest.advanceTimersByTimeAsync(10);
  const second = waits.batcher.infer(inputs([2]));
  await jest.advanceTimersByTimeAsync(19);
  expect([waits.batcher.waiting, waits.runs]).toEqual([2, []]);
  expect(await answersOf([first, second])).toEqual([[2], [4]]);
  expect(waits.runs.map(({ waited }) => waited)).toEqual([[0.03, 0.02]]);
  const never = doubling({ maxBatch: 0, delay: 10_000, maxQueue: 10 });
  await settled([never.batcher.infer(inputs([1])), never.batcher.infer(inputs([2]))]);
  expect(never.runs.map(({ waited }) => waited)).toEqual([[0], [0.005]]);
});

test('other shapes go to other batches', async () => {
  const { batcher, runs } = doubling({ maxBatch: 8, delay: 10, maxQueue: 10 });
  const answers = await answersOf([
    batcher.infer(inputs([1, 2], 2)),
    batcher.infer(inputs([3], 1)),
    batcher.infer(inputs([4, 5], 2)),
  ]);
  expect(answers).toEqual([[2, 4], [6], [8, 10]]);
  expect(runs.map(({ requests }) => requests)).toEqual([2, 1]);
});

test('what one request broke is its error alone', async () => {
  const { batcher } = doubling({ maxBatch: 8, delay: 5, maxQueue: 10 });
  const answers = await answersOf([[1], [-1], [3]].map((values) => batcher.infer(inputs(values))));
  expect(answers).toEqual([[2], 'error', [6]]);
});

test('a full queue refuses, and takes requests again when it has room', async () => {
  const { batcher } = doubling({ maxBatch: 1, delay: 0, maxQueue: 3 });
  const answers = await settled([1, 2, 3, 4, 5, 6].map((value) => batcher.infer(inputs([value]))));
  const states = answers.map(({ status }) => status);
  expect(states).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(answers[5]).toMatchObject({
    reason: { http: 429, message: expect.stringContaining('3 requests wait') as string },
  });
  expect(await answersOf([batcher.infer(inputs([7]))])).toEqual([[14]]);
});

test('a queue that is full of bytes refuses, but takes one request of any size', async () => {
  const { batcher } = doubling({ maxBatch: 1, delay: 0, maxQueue: 100, maxQueueBytes: 8 });
  const large = Array.from({ length: 5 }, (_, i) => i);
  const answers = await settled(
    [[1], [2], [3], [4], large].map((row) => batcher.infer(inputs(row, row.length))),
  );
  const states = answers.map(({ status }) => status);
  expect(states).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(answers[4]).toMatchObject({
    reason: {
      http: 429,
      message: expect.stringContaining('8 bytes of requests wait already, and 20 more') as string,
    },
  });
  expect(await answersOf([batcher.infer(inputs(large, 5))])).toEqual([[0, 2, 4, 6, 8]]);
});
