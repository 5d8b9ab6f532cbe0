/** Weights as a state_dict: by torchvision's names, averages first, and a start for another training. */
import path from 'node:path';
import { buildBundle } from '../../graphs/bundle';
import { initialStatePath, readBundle } from '../../src/bundle/read';
import { recipeSchema } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/export/safetensors';
import { exportTorchState, torchState } from '../../src/export/torchState';
import type { HostTensor } from '../../src/onnx/dtype';
import { initializeFrom } from '../../src/training/initFrom';
import { inTemporaryFolder } from '../support/temporary';

const details = { classes: null, license: 'CC0-1.0', data: null, step: 7 };

function runIn(folder: string, average: number) {
  const recipe = recipeSchema.parse({
    task: 'finetune',
    network: { version: 'v1', stem: 'imagenet', stages: [1, 1, 1, 1], width: 2, classes: 3 },
    average: { decay: average },
    batch: 2,
  });
  buildBundle('tiny', recipe, folder);
  const bundle = readBundle(folder);
  return { bundle, state: readSafetensors(initialStatePath(bundle)).tensors };
}

test('has the names of torchvision, and starts a training', () =>
  inTemporaryFolder((folder) => {
    const { bundle, state } = runIn(folder, 0);
    const file = path.join(folder, 'weights.safetensors');
    const report = exportTorchState(bundle, state, file, 'classifier', details);
    const { tensors, metadata } = readSafetensors(file);
    expect(report).toEqual({ file, tensors: tensors.size, torchvision: false });
    expect(metadata).toMatchObject({ format: 'pt', data_license: 'CC0-1.0', step: '7' });
    const block = ['conv1', 'conv2', 'conv3'].map((name) => `layer1.0.${name}.weight`);
    const norm = ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'];
    expect([...tensors.keys()].filter((name) => name.startsWith('layer1.0.')).sort()).toEqual(
      [
        ...block,
        ...['bn1', 'bn2', 'bn3', 'downsample.1'].flatMap((at) =>
          norm.map((field) => `layer1.0.${at}.${field}`),
        ),
        'layer1.0.downsample.0.weight',
      ].sort(),
    );
    expect(tensors.get('bn1.num_batches_tracked')).toEqual({
      dtype: 'int64',
      shape: [],
      data: BigInt64Array.of(7n),
    });
    const taken = initializeFrom(file, bundle.manifest, state, () => {});
    expect([taken.report.fresh, taken.report.left]).toEqual([{}, {}]);
    expect(taken.state).toEqual(state);
  }));

test('moving averages take the place of the weights', () =>
  inTemporaryFolder((folder) => {
    const { bundle, state } = runIn(folder, 0.9);
    const average: HostTensor = { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) };
    const found = torchState(bundle, new Map([...state, ['ema.fc.bias', average]]), 1);
    expect(found.get('fc.bias')).toEqual(average);
    expect([...found.keys()].filter((name) => /^(ema|optim)\./.test(name))).toEqual([]);
  }));
