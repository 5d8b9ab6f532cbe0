/** `data info` and `data pack` of images that are no ordinary photographs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatInfo } from '../../../src/commands/data';
import { openSource } from '../../../src/data/sources/readers';
import { inspectSource } from '../../../src/data/tools/info';
import { packSource, type PackOptions } from '../../../src/data/tools/pack';
import { take } from '../../support/batches';
import { encodeKind, KINDS, settingsOf, stripes, writeMeasured } from '../../support/measuredImages';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-measured-'));
  for (const [name, kind] of Object.entries(KINDS)) await writeMeasured(path.join(folder, name), kind, 3, 1);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const specOf = (name: keyof typeof KINDS) => `folder:${path.join(folder, name)}`;

test('info: one mean and deviation a channel, of either depth, and the settings that keep it', async () => {
  const source = await openSource(specOf('arrays'), 'train');
  const info = await inspectSource(source);
  const all = [0, 1].flatMap((label) => [0, 1, 2].map((i) => stripes(KINDS.arrays, label, i)));
  const values = all.flatMap((pixels) => [...pixels].filter((_, i) => i % 13 === 12).map((x) => x / 65_535));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
  expect(info).toMatchObject({ bits: 16, broken: [], looked: 6 });
  expect(info.mean).toHaveLength(13);
  expect(info.mean[12]).toBeCloseTo(mean, 6);
  expect(info.std[12]).toBeCloseTo(Math.sqrt(square - mean ** 2), 6);
  const text = formatInfo(info).join('\n');
  expect(text).toContain('image.bits=16');
  expect(text).toContain('image.channels=13');
  const plain = await inspectSource(await openSource(specOf('rectangle'), 'train'));
  expect(formatInfo(plain).join('\n')).not.toContain('--set');
});

test('info: an image of other channels than the first is named, and counts in nothing', async () => {
  const file = path.join(folder, 'bands', 'train', 'across', 'z.tif');
  writeFileSync(
    file,
    await encodeKind({ ...KINDS.bands, channels: 5 }, stripes({ ...KINDS.bands, channels: 5 }, 0, 0)),
  );
  try {
    const info = await inspectSource(await openSource(specOf('bands'), 'train'));
    expect(info.mean).toHaveLength(4);
    expect(info.broken.map(({ reason }) => reason)).toEqual([
      `${file} has 5 channels, ${path.join(folder, 'bands', 'train', 'across', '000.tif')} has 4`,
    ]);
  } finally {
    rmSync(file);
  }
});

const pack = async (name: keyof typeof KINDS, options: Partial<PackOptions>) => {
  const file = path.join(folder, `${name}.pack`);
  await packSource({ spec: specOf(name), file, ...options });
  const source = await openSource(`packed:${file}`, 'train');
  if (source.kind !== 'pixels') throw new Error('a packed file has pixels');
  return source;
};

test('pack: bands and 16 bits as they are, and batches of them', async () => {
  const source = await pack('arrays', { size: 16, bits: 16 });
  expect(source).toMatchObject({ width: 16, height: 16, channels: 13, bits: 16 });
  expect([...source.pixels(0)]).toEqual([...stripes(KINDS.arrays, 1, 0)]);
  const image = { size: 16, channels: 13, bits: 16 as const };
  const options = {
    split: 'test' as const,
    mode: 'evaluate' as const,
    batch: 2,
    seed: 0,
    image,
    augment: null,
  };
  const [packed] = await take({ ...options, spec: `packed:${path.join(folder, 'arrays.pack')}` });
  const [files] = await take({ ...options, spec: specOf('arrays') });
  expect([...packed.images]).toEqual([...files.images]);
  expect(settingsOf(KINDS.arrays)).toContain('image.bits=16');
});

test('pack: rectangles by both sides, gray where it is asked for; 8 bits of 16 unless asked', async () => {
  const rectangle = await pack('rectangle', { width: 24, height: 16 });
  expect(rectangle).toMatchObject({ width: 24, height: 16, channels: 3 });
  expect([...rectangle.pixels(0)]).toEqual([...stripes(KINDS.rectangle, 1, 0)]);
  expect(await pack('rectangle', { size: 8, channels: 1 })).toMatchObject({ width: 8, channels: 1 });
  const narrow = await pack('widePng', { size: 16 });
  expect([...narrow.pixels(0)]).toEqual(Array.from(stripes(KINDS.widePng, 1, 0), (value) => value >> 8));
});

test.each<[Partial<PackOptions>, RegExp]>([
  [{ width: 8 }, /--height and --width: give both and no --size/],
  [{ width: 8, height: 8, size: 8 }, /give both and no --size/],
  [{}, /give the side of the packed squares/],
  [{ size: 8, channels: 4 }, /has 3 channels, and 4 are asked for/],
])('pack: %j is refused', async (options, message) => {
  await expect(
    packSource({ spec: specOf('rectangle'), file: path.join(folder, 'x'), ...options }),
  ).rejects.toThrow(message);
});
