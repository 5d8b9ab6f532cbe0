/** Calls to a thread: each answer to its call, errors as what they were, and nothing that waits for ever. */
import path from 'node:path';
import { UserError } from '../../src/base/errors';
import { WorkerCalls } from '../../src/base/workerCalls';

const open = (broken?: (cause: Error) => Error) =>
  new WorkerCalls<number, number | null>(
    path.join(__dirname, 'echoWorker.js'),
    undefined,
    'the echo',
    broken,
  );

const errorOf = (call: Promise<unknown>) => call.then(String, (error: unknown) => error);

test('every call has its own answer, and an error does not end the thread', async () => {
  const thread = open();
  const calls = [10, 1, 2, 20].map((n) => thread.call(n));
  expect(thread.pending).toBe(4);
  expect(await calls[0]).toBe(20);
  expect(await errorOf(calls[1])).toEqual(new UserError('1 is refused'));
  const failure = (await errorOf(calls[2])) as Error;
  expect([failure instanceof UserError, failure.message]).toEqual([false, '2 breaks']);
  expect(failure.stack).toContain('echoWorker');
  expect(await calls[3]).toBe(40);
  expect([thread.pending, thread.hasEnded]).toEqual([0, false]);
  await thread.close();
  expect(thread.hasEnded).toBe(true);
});

test('closing lets the thread finish, which may leave out what it has not begun', async () => {
  const thread = open();
  const [first, second] = [thread.call(10), thread.call(11)];
  await thread.close();
  expect([await first, await second]).toEqual([null, null]);
  await expect(thread.call(12)).rejects.toThrow('the echo ended with code 0');
});

test('a thread that ends refuses what waits and what comes later, with one error', async () => {
  const causes: string[] = [];
  const thread = open((cause) => {
    causes.push(cause.message);
    return new Error('no more echo', { cause });
  });
  const calls = [thread.call(3), thread.call(10)];
  for (const call of calls) expect(await errorOf(call)).toEqual(new Error('no more echo'));
  expect(await errorOf(thread.call(10))).toEqual(new Error('no more echo'));
  expect(causes).toEqual(['the echo ended with code 7']);
  await thread.close();
});
