/** What `selfie evaluate` prints. */
import { formatEvaluation, percent } from '../../src/commands/evaluate';

const classified = {
  checkpoint: 'models/x/checkpoints/step-3.safetensors',
  step: 3,
  split: 'test',
  count: 4,
  loss: 1.23456,
  accuracy: 0.75,
  interval: [0.3006, 0.9544] as const,
  chance: 0.5,
  top5: 1,
  perClass: [
    { name: 'cat', count: 4, accuracy: 0.75 },
    { name: 'horse', count: 0, accuracy: NaN },
  ],
  predictions: Int32Array.of(0, 0, 0, 1),
  indices: new Int32Array(0),
  broken: [],
  logits: new Float32Array(8),
};

test('a classifier: loss, top-1, top-5 and every class', () => {
  expect(formatEvaluation(classified)).toEqual([
    'models/x/checkpoints/step-3.safetensors (step 3) on 4 images (test)',
    'loss     1.2346',
    'top-1    75.00 % (95 %: 30.06 to 95.44 %; chance 50.00 %)',
    'top-5    100.00 %',
    '  cat    75.00 % of 4',
    '  horse  none of 0',
  ]);
});

test('a pretrained encoder: loss and patches', () => {
  const empty = { top5: null, perClass: [], predictions: new Int32Array(), logits: new Float32Array() };
  expect(formatEvaluation({ ...classified, ...empty }).slice(1)).toEqual([
    'loss     1.2346',
    'patches  75.00 % (95 %: 30.06 to 95.44 %; chance 50.00 %)',
  ]);
  expect(percent(0.12345)).toBe('12.35 %');
});
