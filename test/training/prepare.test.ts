/** What a run is before it starts: options over stored ones over defaults, the examples that it sees, its first state. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/base/errors';
import { type Bundle, initialStatePath } from '../../src/bundle/read';
import { subset } from '../../src/data/batches/sampler';
import { openSource } from '../../src/data/sources/readers';
import type { Source } from '../../src/data/sources/source';
import { writeCheckpoint } from '../../src/run/checkpoints';
import { contentOf } from '../../src/run/content';
import { identityOf, writeRun } from '../../src/run/runFolder';
import { readSafetensors } from '../../src/tensors/safetensors';
import { prepareRun, type TrainOptions } from '../../src/training/prepare';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';

const COUNT = 40;
let folder: string;
let data: string;
let source: Source;
let directory: string;
let bundle: Bundle;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-prepare-'));
  for (const name of ['images', 'others']) await writeImageFolder(path.join(folder, name), COUNT, 4);
  data = `folder:${path.join(folder, 'images')}`;
  source = await openSource(data, 'train');
  directory = path.join(folder, 'run');
  bundle = writeSmallBundle(directory, 'network.classes=4', 'seed=5', 'schedule.steps=77');
});
afterAll(() => {
  source.close();
  rmSync(folder, { recursive: true, force: true });
});

const warnings: string[] = [];
const prepare = (more: Partial<TrainOptions> = {}, where = directory) =>
  prepareRun({ directory: where, data, ...more }, (line) => warnings.push(line));
const initial = () => readSafetensors(initialStatePath(bundle)).tensors;
const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

test('without options: the recipe’s seed and steps, all images, the defaults', async () => {
  const run = await prepare();
  expect(run.settings).toEqual({
    formatVersion: 1,
    data,
    content: contentOf(source),
    unlabelledContent: null,
    labels: null,
    validation: null,
    unlabelled: null,
    broken: 'fail',
    seed: 5,
    steps: 77,
    initFrom: null,
    accumulate: 1,
    classes: ['class0', 'class1', 'class2', 'class3'],
    provider: 'cpu',
    threads: availableParallelism(),
    stepsPerRun: 1,
    checkpointEvery: 200,
    keepCheckpoints: 3,
  });
  expect(run).toMatchObject({ startStep: 0, loadReport: null });
  expect([run.indices, run.validation, run.unlabelled]).toEqual([undefined, undefined, undefined]);
  expect([...run.state]).toEqual([...initial()]);
});

test('every option arrives', async () => {
  const options = {
    labels: '8',
    validation: '12',
    broken: 'skip',
    seed: 0,
    steps: 0,
    threads: 1,
    stepsPerRun: 4,
    checkpointEvery: 6,
    keepCheckpoints: 7,
  } as const;
  expect((await prepare(options)).settings).toMatchObject(options);
  expect((await prepare({ accumulate: 3 })).settings).toMatchObject({ accumulate: 3, stepsPerRun: 1 });
  // where the state crosses to the device in every call, several steps make one; a sum of gradients does not
  const cuda = path.join(folder, 'cuda');
  writeSmallBundle(cuda, 'network.classes=4', 'provider=cuda');
  warnings.length = 0;
  expect((await prepare({ provider: 'cpu' }, cuda)).settings).toMatchObject({
    provider: 'cpu',
    stepsPerRun: 1,
  });
  expect(warnings).toEqual([
    expect.stringMatching(/lowered for cuda and runs on cpu; build it with --set provider=cpu/),
  ]);
});

describe('the examples', () => {
  test('validation is drawn before the labels, which are drawn from what it leaves; both from the seed', async () => {
    const { validation, indices } = await prepare({ validation: '12', labels: '50%' });
    const kept = subset(source, '12', 5, { balanced: true, option: 'validation' });
    expect(validation).toEqual(kept);
    const pool = range(COUNT).filter((i) => !kept.includes(i));
    expect(indices).toEqual(subset(source, '50%', 5, { pool }));
    expect(indices).toHaveLength(14);
    expect((await prepare({ validation: '12' })).indices).toEqual(pool);
    expect((await prepare({ validation: '12', seed: 6 })).validation).not.toEqual(kept);
    await expect(prepare({ validation: '100%' })).rejects.toThrow(
      '--validation 100% leaves nothing to train on',
    );
  });

  test('consistency training takes all that validation leaves, or another source, whatever the labels', async () => {
    const consistent = path.join(folder, 'consistent');
    writeSmallBundle(consistent, 'network.classes=4', 'consistency.ratio=1', 'batch=4');
    const settings = { validation: '12', labels: '8' };
    const own = await prepare(settings, consistent);
    expect(own.unlabelled?.spec).toBe(data);
    expect(own.unlabelled?.indices).toEqual(range(COUNT).filter((i) => !own.validation?.includes(i)));
    expect(own.settings.unlabelled).toBeNull();
    const named = await prepare({ ...settings, unlabelled: data }, consistent);
    expect(named.unlabelled).toEqual(own.unlabelled);
    const others = `folder:${path.join(folder, 'others')}`;
    const other = await prepare({ ...settings, unlabelled: others }, consistent);
    expect(other.unlabelled).toEqual({ spec: others, indices: undefined });
    expect(other.settings.unlabelled).toBe(others);
    await expect(prepare({ unlabelled: others })).rejects.toThrow(
      /^--unlabelled .*: this bundle learns from labelled images alone; build it with --set consistency\.ratio=7$/,
    );
  });
});

test.each<[Partial<TrainOptions>, string]>([
  [{ stepsPerRun: 0 }, '--steps-per-run 0: must be a positive whole number'],
  [{ accumulate: 1.5 }, '--accumulate 1.5: must be a positive whole number'],
  [{ checkpointEvery: 0 }, '--checkpoint-every 0: must be a positive whole number'],
  [{ keepCheckpoints: -1 }, '--keep-checkpoints -1: must be a positive whole number'],
  [{ threads: 0 }, '--threads 0: must be a positive whole number'],
  [{ workers: NaN }, '--workers NaN: must be a positive whole number'],
  [{ steps: -1 }, '--steps -1: must be a whole number, 0 or more'],
  [{ seed: 0.5 }, '--seed 0.5: must be a whole number, 0 or more'],
  [
    { accumulate: 2, stepsPerRun: 2 },
    '--steps-per-run and --accumulate exclude each other; give one of them',
  ],
])('%j is refused', (options, message) => expect(prepare(options)).rejects.toThrow(new UserError(message)));

describe('a run that goes on', () => {
  let resumed: string;
  let stored: Awaited<ReturnType<typeof prepare>>['settings'];
  const moved = new Map<string, never>();
  beforeAll(async () => {
    resumed = path.join(folder, 'resumed');
    writeSmallBundle(resumed, 'network.classes=4');
    const given = {
      seed: 9,
      steps: 20,
      labels: '8',
      threads: 1,
      stepsPerRun: 2,
      checkpointEvery: 3,
      keepCheckpoints: 4,
    };
    ({ settings: stored } = await prepare({ ...given, broken: 'skip' }, resumed));
    writeRun(resumed, stored);
    for (const [name, tensor] of initial())
      moved.set(name, { ...tensor, data: (tensor.data as Float32Array).map((x) => x + 1) } as never);
    const position = { step: 6, dataPosition: 6, state: moved };
    writeCheckpoint(resumed, bundle.manifest, identityOf(stored), position, 2);
  });

  test('from its checkpoint with the stored options; how it is run may change', async () => {
    await expect(prepare({}, resumed)).rejects.toThrow(
      'has checkpoints up to step 6; add --resume to continue',
    );
    // the checkpoint is of another bundle's recipe
    await expect(prepare({ resume: true }, resumed)).rejects.toThrow(/was trained with another recipe/);
    const own = writeSmallBundle(resumed, 'network.classes=4');
    writeCheckpoint(resumed, own.manifest, identityOf(stored), { step: 6, dataPosition: 6, state: moved }, 2);
    const run = await prepareRun({ directory: resumed, resume: true }, fail);
    expect(run.settings).toEqual(stored);
    expect([run.startStep, run.loadReport, run.indices?.length]).toEqual([6, null, 8]);
    expect([...run.state]).toEqual([...moved]);
    const how = { threads: 2, stepsPerRun: 1, checkpointEvery: 5, keepCheckpoints: 1 };
    const changed = await prepareRun({ directory: resumed, resume: true, ...how }, fail);
    expect(changed.settings).toEqual({ ...stored, ...how });
    await expect(prepare({ resume: true, steps: 21 }, resumed)).rejects.toThrow(/^--steps 21: the run in/);
  });

  test('or from the beginning where there is nothing yet, and says so', async () => {
    warnings.length = 0;
    const run = await prepare({ resume: true });
    expect(warnings).toEqual([`${directory}: nothing to resume; starting from the beginning`]);
    expect(run.startStep).toBe(0);
    await expect(prepareRun({ directory, resume: true }, () => {})).rejects.toThrow(/^--data is missing/);
  });
});

const fail = (line: string) => {
  throw new Error(line);
};
