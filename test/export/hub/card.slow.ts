/** Model cards whose programs need a browser, or a network as large as torchvision's. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExportKind } from '../../../src/export/form';
import { cardPrograms, PHOTOS, writePhoto } from '../../../tools/consumers/cardPrograms';
import { CHROMIUM } from '../../../tools/verify/portable/browser';
import { cardDifference, hasPackages } from '../../support/cards';
import { selfie } from '../../support/selfie';

const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser)
  process.stderr.write(`skipped: run.html; no ${CHROMIUM}; install chromium or set CHROMIUM\n`);

const folder = mkdtempSync(path.join(tmpdir(), 'selfie-card-'));
const inside = (...names: string[]) => path.join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

const TORCHVISION = [
  'network.version=v1',
  'network.stem=imagenet',
  'network.width=64',
  'network.stages=[1,1,1,1]',
  // weights that leave the classifier unsure of an image
  'schedule.peak=0.0003',
];

beforeAll(() => {
  for (const [name, recipe, settings] of [
    ['pre', 'embedded-pretrain', ['network.width=8']],
    ['torch', 'embedded-finetune', TORCHVISION],
  ] as const) {
    const sets = [...settings, 'batch=8', 'schedule.warmupSteps=2'].flatMap((setting) => ['--set', setting]);
    expect(selfie(['build-graph', recipe, '--out', inside(name), ...sets])).toMatchObject({ code: 0 });
    expect(selfie(['train', inside(name), '--data', 'embedded', '--steps', '30'])).toMatchObject({ code: 0 });
  }
});

test.each<[network: string, kind: ExportKind, last: string]>([
  ['pre', 'encoder', 'run_openvino.py'],
  ['torch', 'classifier', 'run_torch.py'],
  ['torch', 'encoder', 'run_torch.py'],
])('every program of the card of %s as %s', async (network, kind, last) => {
  const out = inside(`${network}-${kind}`);
  expect(selfie(['export', inside(network), '--to', 'hub', '--out', out, '--kind', kind])).toMatchObject({
    code: 0,
  });
  const programs = cardPrograms(readFileSync(path.join(out, 'README.md'), 'utf8'));
  expect(programs.map(({ file }) => file)).toEqual(['run.py', 'run.mjs', 'run.html', last]);
  const runnable = programs.filter(({ file }) => hasBrowser || file !== 'run.html').filter(hasPackages);
  for (const { width, height, allowed } of PHOTOS) {
    await writePhoto(path.join(out, 'photo.jpg'), width, height);
    for (const program of runnable)
      expect(await cardDifference(program, out, inside(network), kind)).toBeLessThan(allowed);
  }
});
