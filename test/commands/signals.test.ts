/** Ctrl-C and a closed terminal: the first signal asks, one that comes at once is the first one again, a later one is the system's. */
import { abortOnSignals, exitOnSignals } from '../../src/commands/signals';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const NAMES = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const handlers = () => NAMES.map((name) => process.listenerCount(name));
const more = (counts: number[], by: number) => counts.map((count) => count + by);

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (name, code) => {
  const before = handlers();
  const asked: string[] = [];
  const stop = abortOnSignals(() => asked.push('stop'));
  expect([stop.signal.aborted, handlers()]).toEqual([false, more(before, 1)]);
  process.emit(name, name);
  expect([stop.signal.aborted, stop.code(), asked]).toEqual([true, code, ['stop']]);
  jest.advanceTimersByTime(299);
  for (const each of NAMES) process.emit(each, each);
  expect([asked, handlers(), stop.code()]).toEqual([['stop'], more(before, 1), code]);
  jest.advanceTimersByTime(1);
  expect(handlers()).toEqual(before);
});

test('without a signal nothing is left behind', () => {
  const before = handlers();
  const stop = abortOnSignals(() => undefined);
  stop.dispose();
  expect([stop.signal.aborted, handlers()]).toEqual([false, before]);
});

test('a command that has nothing to save cleans up and ends by its signal; one that has is asked', () => {
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  const cleaned: number[] = [];
  const clean = (code: number) => cleaned.push(code);
  process.on('exit', clean);
  const before = handlers();
  exitOnSignals();
  process.emit('SIGHUP', 'SIGHUP');
  expect(handlers()).toEqual([0, before[1] + 1, before[2] + 1]);
  process.emit('SIGTERM', 'SIGTERM');
  expect(cleaned).toEqual([129, 143]);
  expect(kill.mock.calls).toEqual([
    [process.pid, 'SIGHUP'],
    [process.pid, 'SIGTERM'],
  ]);
  const own = abortOnSignals(() => undefined, ['SIGINT']);
  process.emit('SIGINT', 'SIGINT');
  expect([kill.mock.calls.length, own.signal.aborted]).toEqual([2, true]);
  jest.advanceTimersByTime(300);
  expect(handlers()).toEqual(before);
  process.removeListener('exit', clean);
});
