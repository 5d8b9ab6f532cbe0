/** `embed`: the rows are those that `knn` and the exported model see, and the same however often it was stopped. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { initialStatePath } from '../../src/bundle/read';
import { EMBEDDED_CLASSES, embeddedLabel } from '../../src/data/sources/embedded/embedded';
import { parseNpyHeader } from '../../src/data/sources/python/numpyArray';
import { computeFeatures } from '../../src/evaluation/features';
import { largestDifference } from '../../src/export/compare';
import { exportRun } from '../../src/export/exportRun';
import { EXPORT_INPUTS } from '../../src/export/form';
import { readSafetensors } from '../../src/tensors/safetensors';
import { embed, type EmbedHooks, type EmbedOptions } from '../../src/inference/embed';
import { StateSession } from '../../src/runtime/stateSession';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

function readNpy(file: string): { shape: readonly number[]; values: Float32Array } {
  const bytes = readFileSync(file);
  const { start, shape } = parseNpyHeader(bytes, file);
  return { shape, values: new Float32Array(new Uint8Array(bytes.subarray(start)).buffer) };
}

/** Columns image, split and label of the CSV file beside; there is nothing to unquote in these tests. */
const readTable = (file: string) =>
  readFileSync(file.replace(/npy$/, 'csv'), 'utf8')
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(',').slice(1));

interface Setting {
  readonly folder: string;
  readonly run: string;
  readonly images: string;
}

const withImages = (count: number, body: (setting: Setting) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    const [run, images] = [path.join(folder, 'pets'), path.join(folder, 'images')];
    await writeImageFolder(images, count);
    await body({ folder, run, images });
  });

/** An `embed` that stops after its first batch. */
async function stopped(options: EmbedOptions, hooks: EmbedHooks = {}): Promise<number> {
  const controller = new AbortController();
  let first: number | undefined;
  const update = (done: number) => {
    first ??= done;
    if (done > first) controller.abort();
  };
  const report = await embed(options, {
    ...hooks,
    signal: controller.signal,
    progress: { update, stop: () => {} },
  });
  expect(report.interrupted).toBe(true);
  return report.done;
}

test('rows are what the evaluators see of the encoder, named and labelled', () =>
  withImages(30, async ({ folder, run, images }) => {
    const { bundle } = writeSmallRun(run, 'pretrain');
    const to = path.join(folder, 'rows.npy');
    const report = await embed({
      source: `folder:${images}`,
      model: run,
      to,
      batch: 7,
      threads: 1,
      workers: 1,
    });
    expect(report).toMatchObject({ done: 30, total: 30, width: 32, splits: [{ split: 'all', rows: 30 }] });
    const session = new StateSession(bundle, { provider: 'cpu', threads: 1 });
    await session.setState(readSafetensors(initialStatePath(bundle)).tensors);
    const selection = {
      spec: `folder:${images}`,
      split: 'train' as const,
      indices: Int32Array.from({ length: 30 }, (_, i) => i),
      classes: Array.from({ length: 10 }, (_, i) => `class${i}`),
    };
    const expected = await computeFeatures(session, bundle.manifest, 'embedding', selection, {});
    await session.close();
    const { shape, values } = readNpy(to);
    expect(shape).toEqual([30, 32]);
    expect(largestDifference(values, expected.values)).toBeLessThan(1e-5);
    const table = readTable(to);
    expect(table.map(([, , label]) => label)).toEqual([...expected.labels].map((label) => `class${label}`));
    expect(table[3]).toEqual(['class1/0001.png', 'all', 'class1']);
    expect(existsSync(`${to}.partial`)).toBe(false);
    await expect(embed({ source: images, model: run, to })).rejects.toThrow(/rows\.csv: is there already/);
  }));

test('an exported model gives the same in every form of input, and a classifier its other outputs', () =>
  withImages(12, async ({ folder, run, images }) => {
    writeSmallRun(run, 'finetune');
    const rows = async (model: string, output: EmbedOptions['output']) => {
      const to = path.join(folder, 'rows.npy');
      await embed({ source: images, model, to, output, batch: 5, threads: 1, workers: 1, overwrite: true });
      return readNpy(to).values;
    };
    const [embedding, logits] = [await rows(run, 'embedding'), await rows(run, 'logits')];
    for (const input of EXPORT_INPUTS) {
      const model = path.join(folder, `${input}.onnx`);
      await exportRun({ directory: run, out: model, input });
      expect(largestDifference(await rows(model, 'embedding'), embedding)).toBeLessThan(1e-5);
    }
    const model = path.join(folder, 'float.onnx');
    expect(largestDifference(await rows(model, 'logits'), logits)).toBeLessThan(1e-5);
    const probabilities = await rows(model, 'probabilities');
    for (let i = 0; i < 12; i++) {
      const [ours, powers] = [probabilities, logits.map(Math.exp)].map((all) => all.slice(3 * i, 3 * i + 3));
      const sum = powers.reduce((a, b) => a + b);
      ours.forEach((value, k) => expect(value).toBeCloseTo(powers[k] / sum, 5));
    }
    // the bare folder: every image below it, without labels
    expect(readTable(path.join(folder, 'rows.npy'))[0]).toEqual(['class0/0000.png', 'all', '']);
  }));

test('stopped and begun again, it ends with the same bytes; with anything else it does not go on', () =>
  withImages(20, async ({ folder, run, images }) => {
    const { checkpoint } = writeSmallRun(run, 'pretrain');
    const [to, once] = [path.join(folder, 'rows.npy'), path.join(folder, 'once.npy')];
    const options = { source: images, model: run, to, batch: 4, threads: 1, workers: 1 };
    await embed({ ...options, to: once });
    expect(await stopped(options)).toBe(4);
    expect(existsSync(to)).toBe(false);
    // what a killed process may leave behind
    writeFileSync(path.join(`${to}.partial`, 'all-000000001-000000009.safetensors.1-2.tmp'), 'half');
    expect(await stopped({ source: images, model: run, to })).toBe(8);

    checkpoint(20);
    const again = /was begun with another model \(.*step 10; now it is .*step 20\).* --overwrite/;
    await expect(embed(options)).rejects.toThrow(again);
    const same = { ...options, checkpoint: '10' };
    await expect(embed({ ...same, source: `folder:${images}` })).rejects.toThrow(
      /has other images or labels than when it was begun with images:/,
    );
    await expect(embed({ ...same, batch: 8 })).rejects.toThrow(/with --batch 4, not 8/);
    await expect(embed({ ...same, split: 'test' })).rejects.toThrow(/with --split all, not test/);
    const moved = path.join(images, 'class0', '0000.png');
    const bytes = readFileSync(moved);
    rmSync(moved);
    await expect(embed(same)).rejects.toThrow(/has other images or labels than when it was begun/);
    writeFileSync(moved, bytes);

    expect(await stopped(same)).toBe(12);
    expect(await embed(same)).toMatchObject({ interrupted: false, done: 20, splits: [{ rows: 20 }] });
    for (const end of ['npy', 'csv']) {
      const [ours, theirs] = [to, once].map((file) => readFileSync(file.replace(/npy$/, end)));
      expect(ours.equals(theirs)).toBe(true);
    }
    expect(await stopped({ ...same, overwrite: true })).toBe(4);
    expect(await embed({ ...options, batch: 8, overwrite: true })).toMatchObject({ model: { step: 20 } });
  }));

test('--overwrite begins anew, and what it was stopped in goes on without it', () =>
  withImages(10, async ({ folder, run, images }) => {
    writeSmallRun(run, 'pretrain');
    const to = path.join(folder, 'rows.npy');
    const options = { source: images, model: run, to, batch: 2, threads: 1 };
    await embed(options);
    const before = readNpy(to);
    expect(await stopped({ ...options, overwrite: true })).toBeLessThan(10);
    // the first image becomes another, after it was computed
    const [first, last] = readdirSync(images, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.png'))
      .sort()
      .map((name) => path.join(images, name))
      .filter((_, i, all) => i === 0 || i === all.length - 1);
    copyFileSync(last, first);
    await embed({ ...options, overwrite: true });
    const after = readNpy(to);
    expect(after.shape).toEqual(before.shape);
    const width = before.shape[1];
    expect(after.values.slice(0, width)).not.toEqual(before.values.slice(0, width));
    expect(after.values.slice(0, width)).toEqual(after.values.slice(-width));
    expect(after.values.slice(width)).toEqual(before.values.slice(width));

    await expect(embed({ ...options, to: path.join(folder, '.npy') })).rejects.toThrow('expected a name');
    await expect(embed({ ...options, to: path.join(to, 'x.npy') })).rejects.toThrow(/^cannot write .*x.csv/);
    mkdirSync(path.join(folder, 'a.npy'));
    await expect(embed({ ...options, to: path.join(folder, 'a.npy'), overwrite: true })).rejects.toThrow(
      'a.npy: is a folder; give the name of a file',
    );
  }));

test('a broken image ends it, and what was done is kept; skipped, it has no row', () =>
  withImages(20, async ({ folder, run, images }) => {
    writeSmallRun(run, 'pretrain');
    truncateSync(path.join(images, 'class5', '0015.png'), 1000);
    const to = path.join(folder, 'rows.npy');
    const options = { source: images, model: run, to, batch: 4, threads: 1, workers: 1 };
    const warned: string[] = [];
    await expect(embed(options, { warn: (line) => warned.push(line) })).rejects.toThrow(
      /0015\.png cannot be decoded/,
    );
    expect(warned).toEqual([
      expect.stringMatching(/^8 of 20 images are done and kept in .*rows\.npy\.partial$/),
    ]);
    const report = await embed({ ...options, broken: 'skip' });
    expect(report).toMatchObject({ done: 20, splits: [{ rows: 19 }], broken: [{ index: 11 }] });
    expect(readNpy(to).shape).toEqual([19, 32]);
    const names = readTable(to).map(([image]) => image);
    expect(names.slice(10, 12)).toEqual(['class5/0005.png', 'class6/0006.png']);
    expect(names).not.toContain('class5/0015.png');
  }));

test('splits of a folder, one of them, and those of the embedded images', () =>
  withImages(0, async ({ folder, run, images }) => {
    writeSmallRun(run, 'pretrain');
    await writeImageFolder(path.join(images, 'train'), 6, 3);
    const to = path.join(folder, 'rows.npy');
    const options = { source: `folder:${images}`, model: run, to, threads: 1, workers: 1, overwrite: true };
    const warned: string[] = [];
    await embed(options, { warn: (line) => warned.push(line) });
    expect(warned).toEqual([expect.stringMatching(/^without test: .* has no folder val or test/)]);
    await writeImageFolder(path.join(images, 'val'), 3, 3);
    expect((await embed(options)).splits).toEqual([
      { split: 'train', rows: 6 },
      { split: 'test', rows: 3 },
    ]);
    expect(readTable(to).slice(5, 7)).toEqual([
      ['train/class2/0005.png', 'train', 'class2'],
      ['val/class0/0000.png', 'test', 'class0'],
    ]);
    const both = readNpy(to).values;
    await embed({ ...options, split: 'test' });
    expect(largestDifference(readNpy(to).values, both.subarray(6 * 32))).toBeLessThan(1e-5);

    const embedded = { ...options, source: 'embedded', split: 'test' as const, batch: 250 };
    expect((await embed(embedded)).splits).toEqual([{ split: 'test', rows: 2000 }]);
    const table = readTable(to);
    expect(table[7]).toEqual([
      'embedded test image 7',
      'test',
      EMBEDDED_CLASSES[embeddedLabel(0, 'test', 7)],
    ]);
  }));
