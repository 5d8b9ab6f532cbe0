/** Exported models: self-contained, dynamic batch, described, and checked before they are there. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { graphPath, initialStatePath, readBundle } from '../../src/bundle/read';
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import { centerBox } from '../../src/data/images/transforms';
import { exportModel, type ExportRequest } from '../../src/export/exportModel';
import { DEFAULT_FORM, EXPORT_INPUTS } from '../../src/export/form';
import { readSafetensors } from '../../src/tensors/safetensors';
import { asInput, noise } from '../../src/export/samples';
import type { HostTensor } from '../../src/tensors/dtype';
import { readModel, writeModel } from '../../src/onnx/files';
import { createSession } from '../../src/runtime/session';
import { inTemporaryFolder } from '../support/temporary';

const details = { classes: ['cat', 'dog', 'emu'], license: 'CC0-1.0', data: 'folder:animals', step: 7 };
const CLASSIFIER = { ...DEFAULT_FORM, kind: 'classifier' } as const;
const ENCODER = { ...DEFAULT_FORM, kind: 'encoder' } as const;

/** A tiny untrained run and what its export needs. */
function requestIn(
  folder: string,
  task: 'pretrain' | 'finetune',
  network: RecipeInput['network'] = {},
): Omit<ExportRequest, 'form'> {
  const recipe = recipeSchema.parse({
    task,
    network: { stages: [1, 1], width: 4, classes: 3, ...network },
    pooling: { layers: 1, heads: 2, feedForward: 8 },
    batch: 5,
  });
  buildBundle('tiny', recipe, folder);
  const bundle = readBundle(folder);
  const state = readSafetensors(initialStatePath(bundle)).tensors;
  return { bundle, state, details, out: path.join(folder, 'model.onnx') };
}

async function runFile(file: string, image: HostTensor): Promise<Map<string, HostTensor>> {
  const session = await createSession(file, { provider: 'cpu', threads: 1 });
  try {
    return await session.run(new Map([['image', image]]));
  } finally {
    await session.release();
  }
}

test('a classifier holds its weights, takes any batch and says what it is', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    const report = await exportModel({ ...request, form: CLASSIFIER });
    expect(report).toMatchObject({ file: request.out, form: CLASSIFIER, images: 5, measured: null });
    expect(report.error).toBeLessThan(1e-5);

    const model = readModel(request.out);
    expect(model.graph.inputs).toEqual([{ name: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32] }]);
    expect(model.graph.outputs).toEqual([
      { name: 'embedding', dtype: 'float32', shape: ['batch', 32] },
      { name: 'logits', dtype: 'float32', shape: ['batch', 3] },
      { name: 'probabilities', dtype: 'float32', shape: ['batch', 3] },
    ]);
    expect(JSON.parse(model.metadata.classes)).toEqual(details.classes);
    expect(JSON.parse(model.metadata.mean)).toEqual(request.bundle.manifest.recipe.image.mean);
    expect(JSON.parse(model.metadata.recipe)).toEqual(request.bundle.manifest.recipe);
    expect(model.metadata).toMatchObject({
      kind: 'classifier',
      data: 'folder:animals',
      data_license: 'CC0-1.0',
      crop: '0.875',
      step: '7',
    });

    for (const batch of [1, 3]) {
      const data = new Float32Array(batch * 3072);
      const found = await runFile(request.out, { dtype: 'float32', shape: [batch, 3, 32, 32], data });
      expect(found.get('logits')?.shape).toEqual([batch, 3]);
      const sums = found.get('probabilities')?.data as Float32Array;
      expect(sums[0] + sums[1] + sums[2]).toBeCloseTo(1, 5);
    }
  });
});

test('all inputs, opsets and precisions compute the same', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune', { globalPool: 'attention' });
    const { manifest } = request.bundle;
    const images = noise(manifest);
    const embeddings: number[][] = [];
    const check = async (form: ExportRequest['form'], most: number) => {
      const { error } = await exportModel({ ...request, form });
      expect(error).toBeLessThan(most);
      const model = readModel(request.out);
      expect(model.opsets).toEqual([{ domain: '', version: form.opset }]);
      expect(model.graph.nodes.every(({ domain }) => domain === '')).toBe(true);
      const found = await runFile(request.out, asInput(images, form.input, manifest.recipe.image));
      embeddings.push(Array.from(found.get('embedding')?.data as Float32Array));
    };
    for (const input of EXPORT_INPUTS)
      for (const opset of input === 'float' ? [13, 16, 17, 18, 19, 21] : [13, 18, 21])
        await check({ ...CLASSIFIER, input, opset }, 1e-5);
    for (const input of EXPORT_INPUTS)
      for (const opset of [13, 18]) await check({ ...CLASSIFIER, input, opset, precision: 'float16' }, 1e-2);
    const largest = Math.max(...embeddings[0].map(Math.abs));
    for (const other of embeddings)
      other.forEach((value, i) => expect(Math.abs(value - embeddings[0][i]) / largest).toBeLessThan(1e-2));
  });
});

test('photo cuts the middle and resizes it', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    await exportModel({ ...request, form: { ...CLASSIFIER, input: 'photo' } });
    // A picture that is flat where evaluation looks, a pixel of its filter more, and noise around: that must not count.
    const flat = new Uint8Array(32 * 32 * 3).fill(90);
    const expected = await runFile(request.out, { dtype: 'uint8', shape: [1, 32, 32, 3], data: flat });
    for (const [height, width] of [
      [64, 100],
      [201, 80],
      [40, 40],
    ]) {
      const box = centerBox(width, height, { width: 32, height: 32 });
      const filter = 2 * Math.ceil(box.width / 32);
      const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
        const inside = (at: number, from: number, side: number) =>
          at >= from - filter && at < from + side + filter;
        return inside(x, box.left, box.width) && inside(y, box.top, box.height) ? 90 : (i * 77) % 256;
      });
      const found = await runFile(request.out, { dtype: 'uint8', shape: [1, height, width, 3], data });
      const values = found.get('logits')?.data as Float32Array;
      (expected.get('logits')?.data as Float32Array).forEach((logit, i) =>
        expect(values[i]).toBeCloseTo(logit, 4),
      );
    }
  });
});

test.each(['v1', 'v2'] as const)(
  '%s in 8 bits is close, and measured on labelled images',
  async (version) => {
    await inTemporaryFolder(async (folder) => {
      const request = requestIn(folder, 'finetune', { version });
      const images = noise(request.bundle.manifest);
      const labels = Int32Array.of(0, 1, 2, 0, 1);
      const samples = { images, labels, data: 'noise', split: 'all' } as const;
      for (const input of EXPORT_INPUTS) {
        const form = { ...CLASSIFIER, input, opset: input === 'uint8' ? 13 : 18, precision: 'int8' } as const;
        const report = await exportModel({ ...request, form, calibration: images, samples });
        expect(report.error).toBeLessThan(0.1);
        expect(report.measured).toMatchObject({ images: 5, cosine: null });
        expect(report.measured?.float32Accuracy).not.toBeNull();
        const { graph } = readModel(request.out);
        const weights = graph.initializers.filter(({ shape }) => shape.length === 4);
        expect(new Set(weights.map(({ dtype }) => dtype))).toEqual(new Set(['int8']));
      }
      await expect(exportModel({ ...request, form: { ...CLASSIFIER, precision: 'int8' } })).rejects.toThrow(
        '--precision int8: give --data',
      );
    });
  },
);

test('an encoder leaves the classifier and the attention pooling out, and may give its map', async () => {
  await inTemporaryFolder(async (folder) => {
    for (const task of ['pretrain', 'finetune'] as const) {
      const request = requestIn(path.join(folder, task), task);
      await exportModel({ ...request, form: { ...ENCODER, map: true } });
      const { graph } = readModel(request.out);
      expect(graph.outputs).toEqual([
        { name: 'embedding', dtype: 'float32', shape: ['batch', 32] },
        { name: 'map', dtype: 'float32', shape: ['batch', 32, 16, 16] },
      ]);
      const names = graph.initializers.map(({ name }) => name);
      expect(names).toContain('layer2.0.conv3.merged.weight');
      expect(names.filter((name) => /^(fc|attention_pooling|position|optim)\./.test(name))).toEqual([]);
      const { image } = request.bundle.manifest.recipe;
      const found = await runFile(request.out, asInput(noise(request.bundle.manifest), 'float', image));
      const map = found.get('map')?.data as Float32Array;
      const mean = map.subarray(0, 256).reduce((a, b) => a + b) / 256;
      expect((found.get('embedding')?.data as Float32Array)[0]).toBeCloseTo(mean, 4);
    }
  });
});

test('weights beyond the limit lie in a file beside the model', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    await exportModel({ ...request, form: CLASSIFIER, write: { externalThreshold: 4000 } });
    expect(readdirSync(folder).sort()).toEqual(['graph', 'model.onnx', 'model.onnx.data']);
  });
});

test('a pretrained encoder is no classifier', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'pretrain');
    await expect(exportModel({ ...request, form: CLASSIFIER })).rejects.toThrow('has no output logits');
    expect(readdirSync(folder)).toEqual(['graph']);
  });
});

test('a model that computes something else is not written', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    const file = graphPath(request.bundle, 'encoder');
    const model = readModel(file);
    // What a norm of another kind would look like.
    const nodes = model.graph.nodes.map((node) => ({
      ...node,
      attributes: node.attributes.map((attribute) =>
        attribute.type === 'float' && attribute.name === 'epsilon' ? { ...attribute, value: 1 } : attribute,
      ),
    }));
    writeModel(file, { ...model, graph: { ...model.graph, nodes } });
    await expect(exportModel({ ...request, form: { ...CLASSIFIER, input: 'uint8' } })).rejects.toThrow(
      "differs from the trainer's evaluation graph",
    );
    expect(readdirSync(folder)).toEqual(['graph']);
  });
});

test('a bundle whose inference graph names no pixels is told from a broken one', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    const file = graphPath(request.bundle, 'encoder');
    const model = readModel(file);
    const rename = (name: string) => (name === 'pixels' ? 'normalized' : name);
    const nodes = model.graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    writeModel(file, { ...model, graph: { ...model.graph, nodes } });
    await expect(exportModel({ ...request, form: CLASSIFIER })).rejects.toThrow(
      'encoder.onnx has no value pixels: an older selfie-onnx built it; build the bundle again',
    );
  });
});
