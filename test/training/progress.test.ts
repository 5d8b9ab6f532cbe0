import { describeStep, plainReporter } from '../../src/training/progress';
import { formatDuration } from '../../src/base/progress';

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

test('durations', () => {
  expect([0, 59.4, 60, 3599, 3600, 90061, NaN].map(formatDuration)).toEqual([
    ...['0s', '59s', '1m00s', '59m59s', '1h00m', '25h01m', '?'],
  ]);
});

test('without a terminal: the first and the last step, not every one between', () => {
  const written: string[] = [];
  const reporter = plainReporter({ write: (text: string | Uint8Array) => written.push(String(text)) > 0 });
  for (let step = 1; step <= 200; step++) reporter.step({ ...metrics, step }, 200);
  expect(written[0]).toMatch(/^step 1\/200 /);
  expect(written.at(-1)).toMatch(/^step 200\/200 .* 0s left\n$/);
  expect(written.length).toBeLessThan(200);
});
