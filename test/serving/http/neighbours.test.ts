/** POST /neighbours: the nearest images of a source, embedded in the background and again for every new version. */
import { writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import type { OnnxModel } from '../../../src/onnx/model';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { writeImageFolder } from '../../support/imageFolder';
import { selfie } from '../../support/selfie';
import { post, withServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';

const SIDE = 32;
const CLASSES = 3;

interface Found {
  readonly version: string;
  readonly images: number;
  readonly neighbours: readonly { index: number; class: string; similarity: number; image: string }[];
}

/** image -> embedding, the mean colour; of that of `last` channels alone. `products` of matrices take time. */
function colourModel(last: number, products = 0): OnnxModel {
  const ints = (name: string, values: number[]) => ({
    name,
    dtype: 'int64' as const,
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  });
  const { graph, ...model } = scaleModel(1, products);
  const node = (opType: string, inputs: string[], output: string) => ({
    name: `/${output}`,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: [],
  });
  // The slow model's x: four numbers of a row.
  const nodes = [
    node('Slice', ['image', 'from', 'to', 'axis'], 'part'),
    {
      ...node('ReduceMean', ['part'], 'mean'),
      attributes: [
        { name: 'axes', type: 'ints' as const, value: [2, 3] },
        { name: 'keepdims', type: 'int' as const, value: 0 },
      ],
    },
    ...(products > 0
      ? [
          node('Concat', ['mean', 'mean'], 'twice'),
          node('Slice', ['twice', 'first', 'fourth', 'axis'], 'x'),
          ...graph.nodes,
          node('ReduceMax', ['negative'], 'unused'),
          node('Mul', ['unused', 'zero'], 'none'),
          node('Add', ['mean', 'none'], 'embedding'),
        ]
      : [node('Identity', ['mean'], 'embedding')]),
  ].map((each) =>
    each.opType === 'Concat'
      ? { ...each, attributes: [{ name: 'axis', type: 'int' as const, value: 1 }] }
      : each,
  );
  return {
    ...model,
    metadata: { mean: '[0,0,0]', std: '[1,1,1]' },
    graph: {
      name: 'colour',
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, SIDE, SIDE] }],
      outputs: [{ name: 'embedding', dtype: 'float32', shape: ['batch', last] }],
      initializers: [
        ...graph.initializers,
        ints('from', [3 - last]),
        ints('to', [3]),
        ints('axis', [1]),
        ...(products > 0 ? [ints('first', [0]), ints('fourth', [4])] : []),
      ],
      nodes,
    },
  };
}

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

/** The training images in the source's order, by class and name, and their mean colours. */
async function imagesOf(folder: string, count: number) {
  const list = Array.from({ length: CLASSES }, (_, label) =>
    Array.from({ length: count / CLASSES }, (__, i) => ({
      class: `class${label}`,
      file: path.join(
        folder,
        'train',
        `class${label}`,
        `${String(CLASSES * i + label).padStart(4, '0')}.png`,
      ),
    })),
  ).flat();
  return Promise.all(
    list.map(async (each) => {
      const { channels } = await sharp(each.file).stats();
      return { ...each, mean: channels.map(({ mean }) => mean) };
    }),
  );
}

const withImages = (count: number, body: (repository: string, images: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    const images = path.join(folder, 'images');
    for (const split of ['train', 'test']) await writeImageFolder(path.join(images, split), count, CLASSES);
    await body(path.join(folder, 'repository'), images);
  });

/** Asks until the images are embedded by that version; every answer before is the old version's, or says to wait. */
async function until(url: string, version: string, bytes: Buffer): Promise<Found> {
  for (;;) {
    const { status, json } = await post(`${url}/neighbours?count=5`, bytes);
    if (status === 200 && json.version === version) return json as unknown as Found;
    if (version === '1')
      expect([status, json.error]).toEqual([503, expect.stringContaining('still embedding')]);
    else expect([status, json.version]).toEqual([200, '1']);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('the nearest by cosine, and again when a new version embeds', () =>
  withImages(24, async (repository, folder) => {
    addVersion(repository, 'colour', 1, colourModel(3));
    const neighbours = { source: `folder:${folder}`, images: 12 };
    await withServer(repository, { neighbours }, async ({ url, reload }) => {
      const images = await imagesOf(folder, 24);
      // Every second one is known.
      const known = images
        .map((image, index) => ({ ...image, index }))
        .filter(({ index }) => index % 2 === 0);
      const query = images[9];
      const bytes = readFileSync(query.file);
      const nearest = (channels: number) =>
        known
          .map(({ index, mean, class: name }) => ({
            index,
            class: name,
            similarity: cosine(mean.slice(3 - channels), query.mean.slice(3 - channels)),
          }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, 5);
      const check = (found: Found, channels: number) => {
        expect(found.images).toBe(12);
        const wanted = nearest(channels);
        expect(found.neighbours.map(({ index }) => index)).toEqual(wanted.map(({ index }) => index));
        found.neighbours.forEach(({ class: name, similarity, image }, i) => {
          expect(name).toBe(wanted[i].class);
          expect(similarity).toBeCloseTo(wanted[i].similarity, 5);
          expect(image).toMatch(/^data:image\/png;base64,/);
        });
      };
      const first = await until(url, '1', bytes);
      check(first, 3);
      const pixels = await sharp(Buffer.from(first.neighbours[0].image.split(',')[1], 'base64'))
        .raw()
        .toBuffer();
      const { file } = images[first.neighbours[0].index];
      expect(pixels.equals(await sharp(file).raw().toBuffer())).toBe(true);

      addVersion(repository, 'colour', 2, colourModel(2));
      await reload();
      check(await until(url, '2', bytes), 2);
      expect(await post(`${url}/neighbours?count=0`, bytes)).toMatchObject({ status: 400 });
      expect(await post(`${url}/neighbours`, Buffer.from('no image'))).toMatchObject({ status: 415 });
      expect((await post(`${url}/neighbours?count=99`, bytes)).json.neighbours).toHaveLength(12);
    });
  }));

test('the server is ready before, and ends while it embeds', () =>
  withImages(30, async (repository, folder) => {
    addVersion(repository, 'colour', 1, colourModel(3, 4));
    writeFileSync(path.join(repository, 'colour', 'config.pbtxt'), 'max_batch_size: 0');
    const neighbours = { source: `folder:${folder}`, images: 30 };
    await withServer(repository, { neighbours }, async ({ url, stop }) => {
      expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
      const { status, json } = await post(
        `${url}/neighbours`,
        readFileSync((await imagesOf(folder, 30))[0].file),
      );
      expect([status, json.error]).toEqual([
        503,
        expect.stringMatching(/still embedding folder:.* of 30 images/),
      ]);
      await stop(5);
    });
  }));

test('what cannot be', () =>
  withImages(3, async (repository, folder) => {
    addVersion(repository, 'scale', 1, scaleModel(2));
    const refused = (source: string) =>
      expect(withServer(repository, { neighbours: { source, images: 5 } }, async () => {})).rejects;
    await refused(`folder:${folder}`).toThrow(
      '--neighbours: no model here takes an image and gives embedding',
    );
    addVersion(repository, 'colour', 1, colourModel(3));
    await refused('none:x').toThrow("unknown data source 'none:x'");
    await refused(`folder:${folder}/nothing`).toThrow('nothing');
    const wrong = (...args: string[]) => selfie(['serve', repository, ...args]);
    expect(wrong('--neighbours-images', '5')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--neighbours SOURCE') as string,
    });
    expect(wrong('--neighbours', 'embedded', '--neighbours-images', '10001').stderr).toContain(
      'at most 10000',
    );
  }));
