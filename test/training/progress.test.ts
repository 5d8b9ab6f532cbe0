/** Progress for people: what a line says, and when one is written. */
import { Writable } from 'node:stream';
import { createReporter, describeStep, plainReporter } from '../../src/training/progress';

const metrics = {
  step: 7,
  epoch: 1,
  loss: 1.23456,
  accuracy: 0.625,
  learning_rate: 0.0123456,
  images_per_second: 812.4,
  data_wait: 0,
  elapsed_seconds: 3,
};

test('one line says step, loss, accuracy, rate, speed and time left', () => {
  expect(describeStep(metrics, 200, 185)).toBe(
    'step 7/200  loss 1.2346  accuracy 62.5%  lr 0.0123  812 images/s  3m05s left',
  );
});

test('skipped steps show where there are any', () => {
  expect(describeStep({ ...metrics, skipped: 0, skipped_steps: 3 }, 200, 185)).toContain(
    'accuracy 62.5%  3 skipped  lr 0.0123',
  );
  expect(describeStep({ ...metrics, skipped: 0, skipped_steps: 0 }, 200, 185)).not.toContain('skipped');
});

test('without a terminal: the first step, one every five seconds, and the last, with the time that is left', () => {
  jest.useFakeTimers();
  try {
    const written: string[] = [];
    const reporter = plainReporter({ write: (text: string | Uint8Array) => written.push(String(text)) > 0 });
    for (let step = 1; step <= 12; step++) {
      reporter.step({ ...metrics, step }, 12);
      jest.advanceTimersByTime(2000);
    }
    const shown = written.map((line) => [
      /^step (\d+)\/12 /.exec(line)?.[1],
      / (\S+) left\n$/.exec(line)?.[1],
    ]);
    // two seconds a step, of which nothing is known at the first
    expect(shown).toEqual([
      ['1', '?'],
      ['4', '16s'],
      ['7', '10s'],
      ['10', '4s'],
      ['12', '0s'],
    ]);
    reporter.line('a line');
    expect(written.at(-1)).toBe('a line\n');
  } finally {
    jest.useRealTimers();
  }
});

test.each([true, false])('a bar on a terminal alone: %p', (isTTY) => {
  const written: string[] = [];
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    written.push(chunk.toString());
    done();
  };
  const output = Object.assign(new Writable({ write }), {
    isTTY,
    columns: 100,
    cursorTo: () => true,
    clearLine: () => true,
  });
  const reporter = createReporter(output as unknown as NodeJS.WriteStream);
  reporter.step({ ...metrics, step: 1 }, 12);
  reporter.stop();
  // the bar hides the cursor
  expect(written.join('').includes('\u001b[?25l')).toBe(isTTY);
  expect(written.join('')).toContain('step 1/12');
});
