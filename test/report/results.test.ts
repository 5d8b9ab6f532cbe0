/** The table of results: columns for what some run has, and the words for the images that were looked at. */
import type { Manifest } from '../../src/bundle/manifest';
import { describeImages, type Predictions } from '../../src/evaluation/predictions';
import type { ShownRun } from '../../src/report/shownRun';
import { resultsSection } from '../../src/report/results';
import { shortNames } from '../../src/report/runView';

const looked = (available: number, split: Predictions['split']): Predictions => ({
  split,
  available,
  classes: null,
  indices: Int32Array.of(0, 1, 2, 3),
  images: new Uint8Array(4),
  labels: null,
  loss: new Float32Array(4),
  accuracy: Float32Array.of(1, 0, 1, 1),
  logits: null,
  embedding: null,
  patchOrder: null,
});

const run = (name: string, more: Partial<ShownRun> = {}): ShownRun => ({
  name,
  directory: name,
  bundle: {
    directory: name,
    manifest: { recipeName: 'mini', parameters: 5000, recipe: { schedule: { steps: 9 } } } as Manifest,
  },
  settings: null,
  lines: [],
  validation: [],
  knn: null,
  linearProbe: null,
  loadReport: null,
  checkpoint: null,
  chance: 0.25,
  predictions: null,
  units: null,
  agreement: null,
  ...more,
});

test('the images in words', () => {
  expect(describeImages(looked(4, 'test'))).toBe('all 4 images of the test split');
  expect(describeImages(looked(5000, 'test'))).toBe('4 of the 5,000 images of the test split');
  expect(describeImages(looked(5000, 'all'))).toBe('4 of the 5,000 images (no division into train and test)');
  expect(describeImages(looked(90, 'validation'))).toBe('4 of the 90 images that the run kept from training');
});

test('a run that has nothing yet', () => {
  const { body } = resultsSection([run('a')], false);
  for (const title of ['kNN', 'linear probe', 'validation while training'])
    expect(body).not.toContain(`>${title}</th>`);
  expect(body).toContain('none yet');
  expect(body).not.toContain('nearest of these images');
});

test('what knn, linear-probe and validation found has columns where some run has it', () => {
  const found = { step: 900, split: 'validation', labels: '5%', accuracy: 0.4, chance: 0.1 };
  const knn = { ...found, interval: [0.38, 0.42] as [number, number] };
  const validation = [{ step: 900, count: 9, loss: 1.5, accuracy: 0.45, top5: null }];
  const { body } = resultsSection([run('a', { knn, validation }), run('b')], false);
  expect(body).toContain('<th scope="col" class="n">kNN</th>');
  expect(body).not.toContain('>linear probe</th>');
  expect(body).toContain(
    '40.0 %<small>38.0 to 42.0 %</small><small>chance 10.0 %</small><small>validation images</small><small>labels: 5%</small><small>step 900</small>',
  );
  expect(body).toContain('45.0 %<small>loss 1.500</small><small>step 900</small>');
  expect(body).toContain('not run');
});

test('the accuracy column is named after the images', () => {
  const title = (...splits: Predictions['split'][]) => {
    const runs = splits.map((split) => run(split, { predictions: looked(4, split) }));
    return /<th[^>]*>([^<]*accuracy)<\/th>(?=<th[^>]*>nearest)/.exec(resultsSection(runs, false).body)?.[1];
  };
  expect(title('test')).toBe('test accuracy');
  expect(title('validation', 'validation')).toBe('validation accuracy');
  expect(title('test', 'all')).toBe('accuracy');
});

test('places of this machine are not named', () => {
  expect(shortNames(['/home/me/a/run', '/home/me/b/run', 'models/other'])).toEqual([
    'a/run',
    'b/run',
    'other',
  ]);
  expect(shortNames(['/x/run', '/x/run'])).toEqual(['/x/run', '/x/run']);
  const settings = {
    data: 'folder:/home/me/photos',
    initFrom: '/home/me/models/pre',
    labels: null,
    steps: 4,
  };
  const { body } = resultsSection([run('a', { settings: settings as ShownRun['settings'] })], false);
  expect(body).not.toContain('home');
  expect(body).toContain('folder:photos');
  expect(body).toContain('pre');
});
