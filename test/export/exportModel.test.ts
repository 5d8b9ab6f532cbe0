/** Exported models: self-contained, dynamic batch, described, and checked before they are there. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { buildBundle } from '../../graphs/bundle';
import { graphPath, initialStatePath, readBundle } from '../../src/bundle/read';
import { recipeSchema } from '../../src/bundle/recipe';
import { exportModel, type ExportRequest } from '../../src/export/exportModel';
import { readSafetensors } from '../../src/export/safetensors';
import { readModel, writeModel } from '../../src/onnx/files';
import { createSession } from '../../src/runtime/session';
import { inTemporaryFolder } from '../support/temporary';

const details = { classes: ['cat', 'dog', 'emu'], license: 'CC0-1.0', step: 7 };

/** A tiny untrained run and what its export needs. */
function requestIn(folder: string, task: 'pretrain' | 'finetune'): Omit<ExportRequest, 'kind'> {
  const recipe = recipeSchema.parse({
    task,
    network: { stages: [1, 1], width: 4, classes: 3 },
    pooling: { layers: 1, heads: 2, feedForward: 8 },
    batch: 5,
  });
  buildBundle('tiny', recipe, folder);
  const bundle = readBundle(folder);
  const state = readSafetensors(initialStatePath(bundle)).tensors;
  return { bundle, state, details, out: path.join(folder, 'model.onnx') };
}

test('a classifier holds its weights, takes any batch and says what it is', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    const report = await exportModel({ ...request, kind: 'classifier' });
    expect(report).toMatchObject({ file: request.out, kind: 'classifier', images: 5 });
    expect(report.error).toBeLessThan(1e-5);

    const model = readModel(request.out);
    expect(model.graph.inputs).toEqual([{ name: 'images', dtype: 'uint8', shape: ['batch', 32, 32, 3] }]);
    expect(model.graph.outputs).toEqual([{ name: 'logits', dtype: 'float32', shape: ['batch', 3] }]);
    expect(JSON.parse(model.metadata.classes)).toEqual(details.classes);
    expect(JSON.parse(model.metadata.mean)).toEqual(request.bundle.manifest.recipe.image.mean);
    expect(JSON.parse(model.metadata.recipe)).toEqual(request.bundle.manifest.recipe);
    expect(model.metadata).toMatchObject({ kind: 'classifier', data_license: 'CC0-1.0', step: '7' });

    const session = await createSession(request.out, { provider: 'cpu', threads: 1 });
    for (const batch of [1, 3]) {
      const images = {
        dtype: 'uint8',
        shape: [batch, 32, 32, 3],
        data: new Uint8Array(batch * 3072),
      } as const;
      const logits = (await session.run(new Map([['images', images]]))).get('logits');
      expect(logits?.shape).toEqual([batch, 3]);
    }
    await session.release();
  });
});

test('an encoder leaves the classifier and the attention pooling out', async () => {
  await inTemporaryFolder(async (folder) => {
    for (const task of ['pretrain', 'finetune'] as const) {
      const request = requestIn(path.join(folder, task), task);
      await exportModel({ ...request, kind: 'encoder' });
      const { graph } = readModel(request.out);
      expect(graph.outputs).toEqual([{ name: 'embedding', dtype: 'float32', shape: ['batch', 32] }]);
      const names = graph.initializers.map(({ name }) => name);
      expect(names).toContain('layer2.0.conv3.merged.weight');
      expect(names.filter((name) => /^(fc|attention_pooling|position|optim)\./.test(name))).toEqual([]);
    }
  });
});

test('a pretrained encoder is no classifier', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'pretrain');
    await expect(exportModel({ ...request, kind: 'classifier' })).rejects.toThrow('has no output logits');
    expect(readdirSync(folder)).toEqual(['graph']);
  });
});

test('a model that computes something else is not written', async () => {
  await inTemporaryFolder(async (folder) => {
    const request = requestIn(folder, 'finetune');
    const file = graphPath(request.bundle, 'encoder');
    const model = readModel(file);
    // Another normalization: what a wrong constant would look like.
    const initializers = model.graph.initializers.map((tensor) =>
      tensor.dtype === 'float32' && tensor.shape[0] === 3
        ? { ...tensor, data: (tensor.data as Float32Array).map((v) => v * 1.1) }
        : tensor,
    );
    writeModel(file, { ...model, graph: { ...model.graph, initializers } });
    await expect(exportModel({ ...request, kind: 'classifier' })).rejects.toThrow(
      "differs from the trainer's evaluation graph",
    );
    expect(readdirSync(folder)).toEqual(['graph']);
  });
});
