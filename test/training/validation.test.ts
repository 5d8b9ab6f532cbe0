/** Validation during training: the kept images, a line a time, and what a resumed run does with lines of later steps. */
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evaluate } from '../../src/evaluation/evaluate';
import { openRun, withSession } from '../../src/run/openRun';
import { readRun, runPaths, type RunSettings, writeJson } from '../../src/run/runFolder';
import { readValidation } from '../../src/run/validationFile';
import { BrokenImages } from '../../src/training/broken';
import { Validation } from '../../src/training/validation';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallRun } from '../support/smallRun';

const KEPT = Int32Array.of(1, 3, 4, 8, 11);
let folder: string;
let directory: string;
let settings: RunSettings;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-validation-'));
  directory = path.join(folder, 'run');
  writeSmallRun(directory, 'finetune');
  await writeImageFolder(path.join(folder, 'images'), 12, 3);
  const data = `folder:${path.join(folder, 'images')}`;
  settings = { ...(readRun(directory) as RunSettings), data, broken: 'skip' };
  writeJson(runPaths(directory).run, { ...settings, classes: ['class0', 'class1', 'class2'] });
  writeJson(runPaths(directory).validation, { validation: '5', seed: 0, indices: [...KEPT] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = () => runPaths(directory).validationMetrics;
const warnings: string[] = [];
const broken = new BrokenImages((line) => warnings.push(line));
const open = (step: number, indices: Int32Array | undefined = KEPT) =>
  new Validation(directory, step, openRun({ directory }).bundle.manifest, settings, indices, 1);
const measure = (validation: Validation, step: number) =>
  withSession(openRun({ directory, threads: 1 }), (session) => validation.run(session, step, broken));

test('each time a line with what evaluation says of the images that were kept', async () => {
  const validation = open(0);
  const line = await measure(validation, 4);
  const found = await evaluate({ directory, data: settings.data, split: 'validation', threads: 1 });
  const { loss, accuracy } = found;
  expect(line).toEqual({ step: 4, count: 5, loss, accuracy, top5: null });
  await measure(validation, 8);
  expect(readValidation(file())).toEqual([line, { ...line, step: 8 }]);
});

test('a resumed run keeps the lines up to its step', async () => {
  const [first] = readValidation(file());
  const validation = open(4);
  expect(readValidation(file())).toEqual([first]);
  await measure(validation, 6);
  expect(readValidation(file())).toEqual([first, { ...first, step: 6 }]);
});

test('broken images are left out, and named', async () => {
  truncateSync(path.join(folder, 'images', 'class0', '0003.png'), 60);
  const line = await measure(open(0), 4);
  expect([line?.count, broken.count]).toEqual([4, 1]);
  expect(warnings).toEqual([expect.stringContaining('0003.png cannot be decoded')]);
});

test('without kept images there is nothing to say, and nothing of an earlier run', async () => {
  writeFileSync(file(), '');
  const validation = new Validation(
    directory,
    0,
    openRun({ directory }).bundle.manifest,
    settings,
    undefined,
    1,
  );
  expect(existsSync(file())).toBe(false);
  expect(await measure(validation, 4)).toBeNull();
  expect(existsSync(file())).toBe(false);
});
