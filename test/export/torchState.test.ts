/** Weights as a state_dict: by torchvision's names, averages first, and a start for another training. */
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { initialStatePath, readBundle } from '../../src/bundle/read';
import { recipeSchema } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import { exportTorchState, torchState } from '../../src/export/torchState';
import type { HostTensor } from '../../src/tensors/dtype';
import { readCheckpoint } from '../../src/run/checkpoints';
import { initializeFrom } from '../../src/training/initFrom';
import { train } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
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

test('weights of elsewhere become a run without training, to be compared with', () =>
  inTemporaryFolder(async (folder) => {
    const { bundle, state } = runIn(path.join(folder, 'source'), 0);
    const trained = new Map([
      ...state,
      ['fc.bias', { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) } as const],
    ]);
    const file = path.join(folder, 'weights.safetensors');
    exportTorchState(bundle, trained, file, 'classifier', details);
    const directory = path.join(folder, 'teacher');
    runIn(directory, 0);
    await writeImageFolder(path.join(folder, 'images'), 6, 3);
    const data = `folder:${path.join(folder, 'images')}`;
    const result = await train({ directory, data, initFrom: file, steps: 0, threads: 1 });
    expect(result).toMatchObject({ step: 0, steps: 0, interrupted: false, last: undefined });
    expect(readCheckpoint(path.join(directory, 'checkpoints', 'step-0.safetensors')).state).toEqual(trained);
  }));

test('moving averages take the place of the weights', () =>
  inTemporaryFolder((folder) => {
    const { bundle, state } = runIn(folder, 0.9);
    const average: HostTensor = { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) };
    const found = torchState(bundle, new Map([...state, ['ema.fc.bias', average]]), 1);
    expect(found.get('fc.bias')).toEqual(average);
    expect([...found.keys()].filter((name) => /^(ema|optim)\./.test(name))).toEqual([]);
  }));
