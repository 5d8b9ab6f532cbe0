/** `selfie report`, `inspect` and `watch` on runs of a few steps: the page, its pictures, and their errors. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { buildAndTrain, reportOf } from '../support/reportRuns';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const inside = (name: string) => path.join(directory, name);
const pretrained = inside('pretrain');
const finetuned = inside('finetune');
beforeAll(() => buildAndTrain(pretrained, finetuned));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test('report: one page that loads nothing, with every picture beside it', () => {
  // what a run that was killed may leave
  writeFileSync(path.join(finetuned, 'metrics.jsonl'), 'broken\n{"step":', { flag: 'a' });
  const { stdout, stderr } = reportOf([pretrained, finetuned], inside('both.html'));
  expect(stderr).toContain('metrics.jsonl: line 7 is damaged; it and the lines behind it are left out');
  expect(stdout).toContain(`page: ${inside('both.html')}`);
  const page = readFileSync(inside('both.html'), 'utf8');
  for (const id of ['results', 'curves', 'patches', 'neighbours', 'map', 'confusion', 'recipe'])
    expect(page).toContain(`<section id="${id}">`);
  expect(page).toContain("default-src 'none'");
  expect(page).not.toContain('<script');
  expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
  expect(page).not.toMatch(/url\(\s*['"]?https?:/);
  expect(page).toContain('Weights from');
  expect(page).toContain('disc over box');
  expect(page).toContain('chance 25 %');
  expect(page).toContain('chance 10 %');

  const files = readdirSync(inside('both-pictures'));
  const names = files.filter((file) => file.endsWith('.svg')).map((file) => file.slice(0, -4));
  expect(files.filter((file) => file.endsWith('.png')).map((file) => file.slice(0, -4))).toEqual(names);
  for (const name of ['pretrain-loss', 'finetune-accuracy', 'pretrain-patches-1', 'finetune-confusion'])
    expect(names).toContain(name);
  for (const name of ['pretrain-probes', 'pretrain-embedding-spread', 'pretrain-embedding-rank'])
    expect(names).toContain(name);
  expect(names).not.toContain('finetune-probes');
  expect(readFileSync(inside('both-pictures/pretrain-loss.svg'), 'utf8')).toContain('>validation<');
  for (const name of ['pretrain-map', 'finetune-map', 'pretrain-neighbours', 'pretrain-data-wait'])
    expect(names).toContain(name);
  expect(readFileSync(inside('both-pictures/pretrain-patches-1.svg'), 'utf8')).not.toContain('var(');
});

test('report: a run that was not trained has its recipe, and --images 0 runs no network', () => {
  const bare = inside('bare');
  const small = ['--set', 'network.width=2', '--set', 'batch=8'];
  expect(selfie(['build-graph', 'embedded-finetune', '--out', bare, ...small]).code).toBe(0);
  const { stderr } = reportOf([bare], inside('bare.html'));
  expect(stderr).toContain('no checkpoint yet');
  expect(readFileSync(inside('bare.html'), 'utf8')).toContain('none yet');
  expect(reportOf([pretrained], undefined, '0').stdout).toContain(path.join(pretrained, 'report.html'));
  expect(existsSync(path.join(pretrained, 'report-pictures', 'pretrain-loss.png'))).toBe(true);
  expect(readFileSync(path.join(pretrained, 'report.html'), 'utf8')).not.toContain('id="patches"');
});

test("report: the run's own validation images, and no others", () => {
  const to = ['--to', inside('kept.html'), '--split', 'validation'];
  const { code, stderr } = selfie(['report', pretrained, ...to, '--images', '15']);
  expect([code, stderr]).toEqual([0, '']);
  const page = readFileSync(inside('kept.html'), 'utf8');
  expect(page).toContain('15 of the 20 images that the run kept from training');
  expect(page).toContain('>validation accuracy</th>');
  const { indices } = JSON.parse(readFileSync(path.join(pretrained, 'validation.json'), 'utf8')) as {
    indices: number[];
  };
  const shown = Array.from(page.matchAll(/Image (\d+) of the train split/g), ([, index]) => Number(index));
  expect(shown.length).toBeGreaterThan(0);
  for (const index of shown) expect(indices).toContain(index);
});

test('report: images without a division, and one that is broken', async () => {
  const folder = inside('flat');
  const name = 'disc over box';
  mkdirSync(path.join(folder, name), { recursive: true });
  for (let i = 0; i < 8; i++)
    await sharp({ create: { width: 40, height: 40, channels: 3, background: { r: 30 * i, g: 9, b: 99 } } })
      .png()
      .toFile(path.join(folder, name, `${i}.png`));
  writeFileSync(path.join(folder, name, '2.png'), 'no picture');
  const args = ['report', finetuned, '--data', `folder:${folder}`, '--to', inside('flat.html')];
  // the run was trained without --broken, so that it fails
  expect(selfie(args).stderr).toMatch(/^error: .*2\.png/m);
  const { code, stderr } = selfie([...args, '--broken', 'skip']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^warning: left out: .*2\.png/m);
  const page = readFileSync(inside('flat.html'), 'utf8');
  expect(page).toContain('7 of the 8 images (no division into train and test)');
  renameSync(path.join(folder, name), path.join(folder, 'cat'));
  expect(selfie(args).stderr).toContain('label 0 is cat, but the network was trained with disc over box');
});

test('inspect: a picture and a table for one photograph', async () => {
  const photo = inside('photo.jpg');
  const pixels = Buffer.from(Array.from({ length: 90 * 60 * 3 }, (_, i) => (i * 7) % 256));
  await sharp(pixels, { raw: { width: 90, height: 60, channels: 3 } })
    .jpeg()
    .toFile(photo);
  const { code, stdout } = selfie(['inspect', pretrained, '--image', photo]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[0-4] of 4 right/m);
  expect(stdout).toContain(`picture: ${path.join(pretrained, 'inspect-photo.png')}`);
  expect((await sharp(path.join(pretrained, 'inspect-photo.png')).metadata()).format).toBe('png');
  expect(selfie(['inspect', pretrained, '--image', photo]).stdout).toBe(stdout);
  expect(selfie(['inspect', pretrained, '--image', photo, '--seed', '1']).stdout).not.toBe(stdout);
});

test('watch: one picture where the output is no terminal', () => {
  const { code, stdout } = selfie(['watch', pretrained]);
  expect(code).toBe(0);
  expect(stdout).toContain('pretrain  embedded-pretrain  finished');
  expect(stdout).toContain('step 6/6  100 %');
  expect(stdout).toContain('checkpoint of step 6');
  expect(stdout).toMatch(/kNN [\d.]+ % \(step 6\)/);
  expect(stdout).toMatch(/validation [\d.]+ %, loss [\d.]+ \(step 6\)/);
  expect(stdout).not.toContain('\x1b');
});

test.each<[string[], string]>([
  [['report'], 'an argument is missing'],
  [['report', 'absent'], 'absent: no bundle here'],
  [['report', pretrained, '--to', 'x.pdf'], '--to x.pdf: expected a name that ends in .html'],
  [['report', pretrained, '--data', 'cifar10:absent'], 'absent'],
  [['report', finetuned, '--split', 'validation'], 'only a run that was trained with --validation'],
  [['report', pretrained, '--split', 'train'], '--split'],
  [['inspect', pretrained], 'missing: --image'],
  [['inspect', pretrained, '--image', 'absent.png'], 'cannot read absent.png: ENOENT'],
  [['inspect', finetuned, '--image', 'absent.png'], 'a finetune run hides no patches'],
  [['watch', 'absent'], 'absent: no bundle here'],
])('selfie %j: one line, exit code 1', (args, message) => {
  const { code, stdout, stderr } = selfie(args);
  expect(stderr).toMatch(/^(?:warning: [^\n]+\n)*error: [^\n]+\n$/);
  expect(stderr).toContain(message);
  expect([code, stdout]).toEqual([1, '']);
});
