/** Resuming from a checkpoint that came alone: from another machine, or from a page. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import { silentReporter } from '../../src/training/reporter';
import { readRun } from '../../src/run/runFolder';
import { train } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { RANDOM, writeSmallBundle } from '../support/smallRun';

const STEPS = 12;
const how = { threads: 1, checkpointEvery: 4 };
let folder: string;
let undisturbed: string;
let data: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-stored-'));
  await writeImageFolder(path.join(folder, 'images'), 48);
  data = `folder:${path.join(folder, 'images')}`;
  undisturbed = path.join(folder, 'undisturbed');
  writeSmallBundle(undisturbed, ...RANDOM);
  await train({ directory: undisturbed, data, steps: STEPS, seed: 3, labels: '40', ...how });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkpoint = (directory: string, step: number) =>
  path.join(directory, 'checkpoints', `step-${step}.safetensors`);

/** A folder with the bundle and the checkpoint of step 4, whose run is what `edit` makes of it. */
function moved(name: string, edit: (run: object) => unknown): string {
  const directory = path.join(folder, name);
  cpSync(path.join(undisturbed, 'graph'), path.join(directory, 'graph'), { recursive: true });
  cpSync(checkpoint(undisturbed, 4), checkpoint(directory, 4));
  const { tensors, metadata } = readSafetensors(checkpoint(undisturbed, 4));
  const run = JSON.stringify(edit(JSON.parse(metadata.run) as object));
  writeSafetensors(checkpoint(directory, 4), tensors, { ...metadata, run });
  return directory;
}

const finalBytes = (directory: string) => readFileSync(checkpoint(directory, STEPS));

test('goes on with the options in the checkpoint, to the same bytes', async () => {
  const directory = moved('alone', (run) => run);
  const lines: string[] = [];
  const reporter = { ...silentReporter, line: (line: string) => lines.push(line) };
  await train({ directory, resume: true, ...how }, { reporter });
  expect(lines[0]).toMatch(/^warning: .* has no run\.json; its options are those of .*step-4\.safetensors$/);
  expect(finalBytes(directory).equals(finalBytes(undisturbed))).toBe(true);
  expect(readRun(directory)).toMatchObject({ data, seed: 3, steps: STEPS, labels: '40' });
});

test('other options than the checkpoint has are named', async () => {
  const directory = moved('other', (run) => run);
  await expect(train({ directory, resume: true, seed: 4 })).rejects.toThrow(/^--seed 4: .* with --seed 3; /);
});

test('of a page: the images are those that --data names', async () => {
  const directory = moved('page', (run) => ({ ...run, data: 'browser:48 images' }));
  await expect(train({ directory, resume: true })).rejects.toThrow(/^--data is missing/);
  await train({ directory, resume: true, data, ...how });
  expect(finalBytes(directory).equals(finalBytes(undisturbed))).toBe(true);
});

test('damaged metadata is named', async () => {
  const directory = moved('damaged', () => ({ data: 5 }));
  await expect(train({ directory, resume: true })).rejects.toThrow(
    /step-4\.safetensors: damaged metadata \(run\)$/,
  );
});
