/** A run's folder: image files in, classes and embeddings out, and its new checkpoints. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { exportRun } from '../../src/export/exportRun';
import { asInput } from '../../src/export/samples';
import { decodeCenter } from '../../src/data/images/decode';
import { createSession } from '../../src/runtime/session';
import { RunRepository } from '../../src/serving/models/runRepository';
import { get, post, withServer } from '../support/serving';
import { CLASSES, writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

/** A gradient, 90 x 60. */
async function photo(): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 90 * 60 * 3 }, (_, i) => (i % 3 === 0 ? i / 64 : 255 - i / 64));
  return sharp(pixels, { raw: { width: 90, height: 60, channels: 3 } })
    .png()
    .toBuffer();
}

test('classes and embedding of an image file are what the exported model says', () =>
  inTemporaryFolder(async (folder) => {
    const run = path.join(folder, 'pets');
    const { bundle, checkpoint } = writeSmallRun(run, 'finetune');
    const bytes = await photo();
    const out = path.join(folder, 'model.onnx');
    await exportRun({ directory: run, out });
    const session = await createSession(out, { provider: 'cpu', threads: 1 });
    const { image } = bundle.manifest.recipe;
    const { pixels } = await decodeCenter(bytes, 'photo', { size: 32, channels: 3 });
    const input = asInput({ dtype: 'uint8', shape: [1, 32, 32, 3], data: pixels }, 'float', image);
    const expected = await session.run(new Map([['image', input]])).finally(() => session.release());
    const probabilities = [...(expected.get('probabilities')?.data as Float32Array)];
    const byName = new Map(CLASSES.map((name, i) => [name, probabilities[i]]));

    await withServer(run, {}, async ({ url, reload }) => {
      for (const name of ['pets', 'pets-photo']) {
        const answer = await post(`${url}/classify?model=${name}`, bytes);
        expect(answer).toMatchObject({ status: 200, json: { model: name, version: '10' } });
        const classes = answer.json.classes as { name: string; probability: number }[];
        expect(classes.map(({ probability }) => probability)).toEqual(
          classes.map(({ probability }) => probability).sort((a, b) => b - a),
        );
        for (const { name: found, probability } of classes)
          expect(probability).toBeCloseTo(byName.get(found) ?? NaN, 4);
      }
      const form = new FormData();
      form.append('image', new Blob([new Uint8Array(bytes)]), 'photo.png');
      const response = await fetch(`${url}/embed`, { method: 'POST', body: form });
      const { embedding } = (await response.json()) as { embedding: number[] };
      const wanted = [...(expected.get('embedding')?.data as Float32Array)];
      expect(embedding).toHaveLength(wanted.length);
      embedding.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 4));

      const refused = async (address: string, body: Uint8Array) => {
        const { status, json } = await post(`${url}${address}`, body);
        return [status, json.error];
      };
      expect(await refused('/classify', Buffer.alloc(0))).toEqual([
        400,
        expect.stringContaining('the body is empty'),
      ]);
      expect(await refused('/classify', Buffer.from('<svg/>'))).toEqual([
        415,
        'the body is no JPEG, PNG or WebP image',
      ]);
      const many = { width: 20_000, height: 5001, channels: 1 } as const;
      const huge = await sharp(Buffer.alloc(many.width * many.height), { raw: many })
        .jpeg({ quality: 10 })
        .toBuffer();
      expect(await refused('/classify', huge)).toEqual([
        413,
        'the image has 20000 x 5001 pixels; at most 100 million are taken',
      ]);
      const noBoundary = await post(`${url}/embed`, bytes, { 'content-type': 'multipart/form-data' });
      expect(noBoundary).toMatchObject({
        status: 400,
        json: { error: 'the form cannot be read: Multipart: Boundary not found' },
      });
      expect(await refused('/embed', bytes.subarray(0, 60))).toEqual([
        400,
        expect.stringContaining('cannot be decoded'),
      ]);
      expect(await refused('/classify?top=-1', bytes)).toEqual([400, expect.stringContaining('?top=-1')]);
      expect(await refused('/classify?model=x', bytes)).toEqual([404, expect.stringContaining('no model x')]);
      expect(await refused('/patches', bytes)).toEqual([404, expect.stringContaining('nothing here')]);

      checkpoint(20);
      await reload();
      expect((await get(`${url}/v2/models/pets`)).json.versions).toEqual(['20']);
      expect((await post(`${url}/classify?top=1`, bytes)).json).toMatchObject({ version: '20' });
      const html = await (await fetch(url)).text();
      expect(html).toContain('<b>pets</b> version 20');
    });
  }));

test('an exported version that somebody deleted is made again', () =>
  inTemporaryFolder(async (folder) => {
    const run = path.join(folder, 'pets');
    writeSmallRun(run, 'finetune');
    const repository = new RunRepository(run, path.join(folder, 'made'), () => {});
    await repository.update();
    const file = path.join(folder, 'made', 'pets-photo', '10', 'model.onnx');
    rmSync(file);
    await repository.update();
    expect(existsSync(file)).toBe(true);
  }));

test("a pretraining run's page has the patch picture", () =>
  inTemporaryFolder(async (folder) => {
    const run = path.join(folder, 'mini');
    writeSmallRun(run, 'pretrain');
    await withServer(run, {}, async ({ url }) => {
      const html = await (await fetch(url)).text();
      expect(html).toContain('<section id="patches"');
      expect(html).not.toContain('<section id="classes"');
      const response = await fetch(`${url}/patches?seed=3`, {
        method: 'POST',
        body: (await photo()) as unknown as string,
      });
      expect(response.headers.get('content-type')).toBe('image/svg+xml');
      const svg = await response.text();
      expect(svg).toMatch(/^<svg [^]*hidden places of seed 3[^]*<\/svg>$/);
      expect(await post(`${url}/patches`, Buffer.from('no'))).toMatchObject({ status: 415 });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const status of [200, 415])
        expect(metrics).toContain(
          `selfie_requests_total{model="patches",protocol="image",status="${status}"} 1`,
        );
      expect(await post(`${url}/classify`, await photo())).toMatchObject({ status: 404 });
    });
  }));
