/** Ctrl-C: the first one asks, one that comes at once is the first one again, a later one is the system's. */
import { abortOnSignals } from '../../src/commands/signals';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const handlers = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

test.each(['SIGINT', 'SIGTERM'] as const)('%s', (name) => {
  const before = handlers();
  const asked: string[] = [];
  const { signal } = abortOnSignals(() => asked.push('stop'));
  expect([signal.aborted, handlers()]).toEqual([false, before + 2]);
  process.emit(name);
  expect([signal.aborted, asked]).toEqual([true, ['stop']]);
  jest.advanceTimersByTime(299);
  process.emit('SIGINT');
  process.emit('SIGTERM');
  expect([asked, handlers()]).toEqual([['stop'], before + 2]);
  jest.advanceTimersByTime(1);
  expect(handlers()).toBe(before);
});

test('without a signal nothing is left behind', () => {
  const before = handlers();
  const stop = abortOnSignals(() => undefined);
  stop.dispose();
  expect([stop.signal.aborted, handlers()]).toEqual([false, before]);
});
