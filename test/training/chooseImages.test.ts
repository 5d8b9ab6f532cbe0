/** A run goes on with the images that it was started with, wherever they lie, and with no others. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evaluate } from '../../src/evaluation/evaluate';
import { evaluateKnn } from '../../src/evaluation/evaluateRun';
import { readValidationIndices } from '../../src/run/validationFile';
import { runPaths, writeRun, readRun } from '../../src/run/runFolder';
import { silentReporter } from '../../src/training/reporter';
import { train, type TrainOptions } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-content-'));
  await writeImageFolder(path.join(folder, 'original'), 24, 2);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run of two steps on a copy of the images, of class0 and class1. */
async function started(name: string, options: Partial<TrainOptions> = {}, ...settings: string[]) {
  const images = path.join(folder, `${name}-images`);
  const directory = path.join(folder, name);
  cpSync(path.join(folder, 'original'), images, { recursive: true });
  writeSmallBundle(directory, 'batch=4', 'network.classes=2', ...settings);
  const given = { directory, threads: 1, checkpointEvery: 1, steps: 2, ...options };
  const stop = new AbortController();
  const reporter = { ...silentReporter, step: () => stop.abort() };
  await train({ ...given, data: `folder:${images}` }, { signal: stop.signal, reporter });
  const lines: string[] = [];
  const say = { ...silentReporter, line: (line: string) => lines.push(line) };
  const resume = (more: Partial<TrainOptions> = {}) =>
    train({ directory, threads: 1, resume: true, ...more }, { reporter: say });
  const image = (name: string) => path.join(images, name);
  return { directory, images, image, resume, lines, runFile: runPaths(directory).run };
}

const PRETRAIN = ['task=pretrain', 'patch.size=8', 'pooling.heads=2', 'pooling.layers=1'];

test('a class more: refused, and nothing of the run is written', async () => {
  const { image, images, resume, runFile } = await started('class-more');
  cpSync(image('class0'), image('ant'), { recursive: true });
  const before = readFileSync(runFile);
  for (const acceptDataChange of [false, true])
    await expect(resume({ acceptDataChange })).rejects.toThrow(
      `--data folder:${images}: these are not the classes of the run in ${path.dirname(runFile)}: new classes: ant`,
    );
  expect(readFileSync(runFile)).toEqual(before);
});

test.each([
  ['a class that has another name', 'class1', 'cat', 'new classes: cat; classes that are gone: class1'],
  ['an image less', 'class0/0000.png', '../gone.png', '23 images, there were 24'],
  ['an image of another name', 'class0/0000.png', 'class0/x.png', 'images of other names or sizes'],
])('%s is refused', async (what, from, to, message) => {
  const { image, resume } = await started(`changed ${what}`);
  renameSync(image(from), image(to));
  await expect(resume()).rejects.toThrow(message);
});

test('the same images elsewhere go on, to the same weights', async () => {
  const here = await started('here');
  const there = await started('there');
  const moved = `${there.images}-moved`;
  renameSync(there.images, moved);
  await expect(there.resume()).rejects.toThrow(
    `is not a folder; folder:PATH wants a folder of images (the run in ${there.directory} was started with --data folder:`,
  );
  await here.resume();
  await there.resume({ data: `folder:${moved}` });
  expect(readRun(there.directory)?.data).toBe(`folder:${moved}`);
  const tensors = ({ directory }: { directory: string }) =>
    /"sha256":"(\w+)"/.exec(
      readFileSync(path.join(directory, 'checkpoints/step-2.safetensors'), 'latin1'),
    )?.[1];
  expect(tensors(there)).toBe(tensors(here));
});

describe('--accept-data-change', () => {
  test('more unlabelled images: with a warning, and from then on they are the run’s', async () => {
    const { image, resume, lines } = await started('accepted', {}, ...PRETRAIN);
    cpSync(image('class0/0000.png'), image('class0/new.png'));
    await expect(resume()).rejects.toThrow('or go on with these by --accept-data-change');
    await resume({ acceptDataChange: true, steps: undefined });
    expect(lines.join('\n')).toContain('25 images, there were 24; going on with them');
    await resume();
  });

  test.each([
    ['validation', { validation: '25%' }, '--validation was drawn from the old images'],
    ['labels', { labels: '16' }, '--labels were drawn from the old images'],
  ])('not where %s was drawn from them', async (name, options, reason) => {
    const { image, resume } = await started(`drawn-${name}`, options);
    cpSync(image('class0/0000.png'), image('class0/new.png'));
    await expect(resume({ acceptDataChange: true })).rejects.toThrow(
      `--accept-data-change is not possible: ${reason}`,
    );
  });

  test('unlabelled images of their own are told from the labelled', async () => {
    const others = path.join(folder, 'others');
    cpSync(path.join(folder, 'original'), others, { recursive: true });
    const options = { unlabelled: `images:${others}`, labels: '8' };
    const { resume } = await started('consistent', options, 'consistency.ratio=1');
    writeFileSync(path.join(others, 'class0/0000.png'), '');
    await expect(resume()).rejects.toThrow(
      `--unlabelled images:${others}: these are not the images of the run`,
    );
    await resume({ acceptDataChange: true, broken: undefined }).catch((error: unknown) =>
      expect(String(error)).toContain('0000.png'),
    );
  });
});

describe('the images that a run kept from training', () => {
  test('are found in the same images elsewhere, and asked of no others', async () => {
    const { directory, images, image } = await started('kept', { validation: '25%' });
    const elsewhere = path.join(folder, 'elsewhere');
    cpSync(images, elsewhere, { recursive: true });
    const ask = (at: string) =>
      evaluate({ directory, data: `folder:${at}`, split: 'validation', threads: 1 });
    expect((await ask(elsewhere)).count).toBe(6);
    const knn = await evaluateKnn({
      directory,
      data: `folder:${elsewhere}`,
      split: 'validation',
      k: 1,
      threads: 1,
    });
    expect(knn.count).toBe(readValidationIndices(directory).length);
    renameSync(image('class0/0000.png'), image('class0/x.png'));
    await expect(ask(images)).rejects.toThrow(
      `--data folder:${images}: these are not the images of the run in ${directory}`,
    );
  });
});

test('run.json of an older version knows its classes alone, and those are held', async () => {
  const { directory, image, resume } = await started('older');
  const stored = readRun(directory);
  if (!stored) throw new Error('no run');
  writeRun(directory, { ...stored, content: null });
  renameSync(image('class0'), image('dog'));
  await expect(resume()).rejects.toThrow('new classes: dog; classes that are gone: class0');
  renameSync(image('dog'), image('class0'));
  await resume();
  expect(readRun(directory)?.content).toEqual(stored.content);
});

test('a network with more outputs than the data has classes: a warning', async () => {
  const { resume, lines } = await started('outputs', {}, 'network.classes=5');
  await resume();
  expect(lines.join('\n')).toContain(
    'only 2 classes, so that the others are never right; build it with --set network.classes=2',
  );
});

test('a folder that is moved away while it is trained is an error, and no new folder at its place', async () => {
  const directory = path.join(folder, 'away');
  writeSmallBundle(directory, 'batch=4', 'network.classes=2');
  const reporter = { ...silentReporter, step: () => renameSync(directory, `${directory}-moved`) };
  const data = `folder:${path.join(folder, 'original')}`;
  await expect(
    train({ directory, data, threads: 1, steps: 3, checkpointEvery: 1 }, { reporter }),
  ).rejects.toThrow(`${directory} was moved or removed while selfie train worked in it`);
  expect(() => readFileSync(path.join(directory, 'run.json'))).toThrow('ENOENT');
});
