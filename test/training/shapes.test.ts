/** Rectangles, bands and 16 bits from files to exports: training by the real runtime, resuming, measuring, every input form. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { buildEvalGraph } from '../../graphs/tasks';
import { patchCounts } from '../../src/bundle/checkRecipe';
import { readBundle } from '../../src/bundle/read';
import { evaluate } from '../../src/evaluation/evaluate';
import { evaluateKnn } from '../../src/evaluation/evaluateRun';
import { evaluateSequential } from '../../src/evaluation/sequential';
import { exportRun } from '../../src/export/exportRun';
import { exportHub } from '../../src/export/hub/exportHub';
import { exportRepository } from '../../src/export/repository/exportRepository';
import { exportWeb } from '../../src/export/web/exportWeb';
import { predict } from '../../src/inference/predict';
import { listCheckpoints, readCheckpoint } from '../../src/run/checkpoints';
import { silentReporter } from '../../src/training/reporter';
import { train, type TrainHooks, type TrainOptions } from '../../src/training/trainer';
import { KINDS, settingsOf, writeMeasured } from '../support/measuredImages';
import { writeSmallBundle } from '../support/smallRun';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-shapes-'));
  for (const [name, kind] of Object.entries(KINDS)) await writeMeasured(path.join(folder, name), kind, 12, 4);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Name = keyof typeof KINDS;
const dataOf = (name: Name) => `folder:${path.join(folder, name)}`;
const SMALL = ['network.stages=1,1', 'network.width=4', 'network.classes=2', 'batch=4', 'augment.pad=1'];
const PRETRAIN = ['task=pretrain', 'patch.size=8', 'patch.hidden=0.5'];
const HYBRID = ['network.globalPool=attention', 'pooling.heads=4'];

/** What the networks take: files of other sizes are resized. */
const sidesOf = (name: Name): [height: number, width: number] =>
  name === 'wideTiff' || name === 'bands' ? [16, 16] : [KINDS[name].height, KINDS[name].width];

let runs = 0;
function newRun(name: Name, ...settings: string[]): string {
  const directory = path.join(folder, `run-${runs++}`);
  const [height, width] = sidesOf(name);
  writeSmallBundle(directory, ...SMALL, ...settingsOf(KINDS[name], { width, height }), ...settings);
  return directory;
}
const trained = (directory: string, name: Name, more: Partial<TrainOptions> = {}, hooks: TrainHooks = {}) =>
  train({ directory, data: dataOf(name), steps: 3, threads: 1, ...more }, hooks);
const newest = (directory: string) => readCheckpoint(listCheckpoints(directory)[0].file).state;

const TASKS = {
  pretrain: PRETRAIN,
  'pretrain, places by row and column': [...PRETRAIN, 'position.kind=rowColumn', 'patch.mask=block'],
  finetune: ['augment.cropScale=0.3', 'augment.cutout=0.4'],
  'hybrid of the map': HYBRID,
  'hybrid of patches': [...HYBRID, 'network.tokens=patches', 'patch.size=8', 'position.kind=rowColumn'],
  consistency: ['consistency.ratio=1', 'consistency.operations=0'],
  'half precision': ['compute=float16'],
};
type Task = keyof typeof TASKS;

/** What is tried with each kind; together every task, and every way of an image. */
const TRIED: Readonly<Record<Name, readonly Task[]>> = {
  rectangle: ['pretrain, places by row and column', 'hybrid of patches', 'hybrid of the map'],
  bands: ['pretrain', 'consistency'],
  arrays: ['finetune'],
  widePng: ['half precision'],
  wideTiff: ['pretrain'],
};
const EXPORTED: readonly Name[] = ['rectangle', 'bands', 'arrays'];
const ASKED: readonly Name[] = ['rectangle', 'arrays'];

/** Stops after a step. */
function stopAfterOne() {
  const stop = new AbortController();
  const reporter = { ...silentReporter, step: () => stop.abort() };
  return { reporter, signal: stop.signal };
}

describe.each(Object.keys(KINDS) as Name[])('%s', (name) => {
  const { bits, channels } = KINDS[name];

  test.each(TRIED[name])('%s: trains, goes on to the bit, and is evaluated', async (task) => {
    const settings = TASKS[task];
    const undisturbed = newRun(name, ...settings);
    expect((await trained(undisturbed, name)).step).toBe(3);
    const stopped = newRun(name, ...settings);
    expect((await trained(stopped, name, {}, stopAfterOne())).interrupted).toBe(true);
    await trained(stopped, name, { resume: true });
    expect(newest(stopped)).toEqual(newest(undisturbed));
    const [images] = readBundle(stopped).manifest.graphs.train.inputs;
    expect(images).toMatchObject({ name: 'images', shape: [4, ...sidesOf(name), channels] });
    expect(images.dtype).toBe(bits === 16 ? 'uint16' : 'uint8');
    const { count, loss } = await evaluate({ directory: stopped, data: dataOf(name), threads: 1 });
    expect(count).toBe(8);
    expect(Number.isFinite(loss)).toBe(true);
  });
});

describe.each(EXPORTED)('%s, exported', (name) => {
  const { bits, channels } = KINDS[name];

  test('every form agrees with the evaluation, and says the same of a file', async () => {
    const directory = newRun(name, ...HYBRID);
    await trained(directory, name);
    const out = path.join(folder, `export-${name}`);
    const file = path.join(folder, name, 'test', 'across', `000.${KINDS[name].file}`);
    const say = async (model: string) => {
      const { each } = await predict({ model, images: [file], threads: 1 });
      for await (const answer of each) if ('classes' in answer) return answer.classes;
      throw new Error(`${model} says nothing`);
    };
    const wanted = await say(directory);
    for (const input of ['float', 'uint8', 'photo'] as const) {
      const model = path.join(out, `${input}.onnx`);
      const { error } = await exportRun({ directory, out: model, input, data: dataOf(name) });
      expect(error).toBeLessThan(1e-3);
      const said = await say(model);
      said.forEach((each, i) => expect(each.probability).toBeCloseTo(wanted[i].probability, 4));
    }
    const { photoError } = await exportRepository({
      directory,
      out: path.join(out, 'repository'),
      name: 'm',
    });
    expect(photoError).toBeLessThan(1e-3);
    await exportHub({ directory, out: path.join(out, 'hub') });
    const hub = readFileSync(path.join(out, 'hub', 'README.md'), 'utf8');
    expect(hub).toContain(`${bits === 16 ? 'uint16' : 'uint8'} [batch, height, width, ${channels}]`);
    expect(hub).toContain(`[batch, ${[channels, ...sidesOf(name)].join(', ')}]`);
    const isPicture = name === 'rectangle';
    const web = exportWeb({ directory, out: path.join(out, 'web') });
    if (isPicture) await web;
    else await expect(web).rejects.toThrow(/--to web: browsers decode pictures of gray or RGB with 8 bits/);
  });
});

test.each(ASKED)('%s: nearest neighbours, and hidden patches one after the other', async (name) => {
  const directory = newRun(name, ...PRETRAIN);
  await trained(directory, name);
  expect((await evaluateKnn({ directory, data: dataOf(name), k: 3, threads: 1 })).count).toBe(8);
  const hiding = (hidden: number) =>
    buildEvalGraph(readBundle(directory).manifest, hidden, path.join(folder, `hiding-${runs++}`));
  const { stages } = await evaluateSequential({ directory, data: dataOf(name), hiding, threads: 1 });
  expect(stages).toHaveLength(patchCounts(readBundle(directory).manifest.recipe).hidden - 1);
});

test('what 8 bits cannot tell apart 16 do', async () => {
  const logits = async (bits: 8 | 16) => {
    const directory = newRun('widePng', `image.bits=${bits}`);
    await trained(directory, 'widePng');
    const data = path.join(folder, `fine-${bits}`);
    for (const [i, label] of ['along', 'across'].entries()) {
      mkdirSync(path.join(data, label), { recursive: true });
      // both 128 in 8 bits; the second a ramp below one level
      const pixels = Uint16Array.from({ length: 768 }, (_, at) => 128 * 256 + i * Math.floor(at / 4));
      const { width, height } = KINDS.widePng;
      const image = sharp(pixels, { raw: { width, height, channels: 3 } }).toColourspace('rgb16');
      writeFileSync(path.join(data, label, '1.png'), await image.png().toBuffer());
    }
    const result = await evaluate({ directory, data: `folder:${data}`, threads: 1 });
    return [result.logits.subarray(0, 2), result.logits.subarray(2, 4)];
  };
  const [flat, ramp] = await logits(16);
  expect([...flat]).not.toEqual([...ramp]);
  const [coarse, same] = await logits(8);
  expect([...coarse]).toEqual([...same]);
});
