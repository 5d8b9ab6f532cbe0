/** Pieces of progress for people. */
import { formatDuration, Pace } from '../../src/base/progress';

test('durations', () => {
  expect([0, 59.4, 60, 3599, 3600, 90061, NaN].map(formatDuration)).toEqual([
    ...['0s', '59s', '1m00s', '59m59s', '1h00m', '25h01m', '?'],
  ]);
});

test('a pace is that since the first call, and what is left follows from it', () => {
  jest.useFakeTimers();
  try {
    const pace = new Pace();
    expect([pace.secondsLeft(10, 40), pace.secondsLeft(40, 40)]).toEqual([NaN, 0]);
    jest.advanceTimersByTime(5000);
    expect([pace.perSecond(20), pace.secondsLeft(20, 40)]).toEqual([2, 10]);
    jest.advanceTimersByTime(5000);
    expect(pace.secondsLeft(20, 40)).toBe(20);
    expect(pace.secondsLeft(40, 40)).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});
