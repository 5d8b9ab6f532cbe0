/** The state of a session moves on inside its thread. */
import { initialStatePath } from '../../src/bundle/read';
import { StateSession } from '../../src/runtime/stateSession';
import type { HostTensor } from '../../src/tensors/dtype';
import { readSafetensors } from '../../src/tensors/safetensors';
import { RANDOM, writeSmallBundle } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

const float = (values: number[], shape = [values.length]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

test('from the same state the same step, from the state after it another; errors name the input', () =>
  inTemporaryFolder(async (folder) => {
    const bundle = writeSmallBundle(folder, 'batch=2', ...RANDOM);
    const session = new StateSession(bundle, { provider: 'cpu', threads: 1 });
    const initial = readSafetensors(initialStatePath(bundle)).tensors;
    await session.setState(initial);
    const images: HostTensor = {
      dtype: 'uint8',
      shape: [2, 32, 32, 3],
      data: new Uint8Array(6144).map((_, i) => i % 251),
    };
    const feeds: [string, HostTensor][] = [
      ['images', images],
      ['labels', { dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, 4n) }],
      ['dropout_seed', { dtype: 'int64', shape: [], data: BigInt64Array.of(1n) }],
      ['mixup_weight', float([0.7], [])],
      ['learning_rate', float([0.1], [])],
      ['average_decay', float([0.5], [])],
    ];
    const first = await session.run('train', feeds);
    expect([...first.keys()]).toEqual(['loss', 'accuracy', 'accuracy_top5']);
    const after = await session.getState();
    expect([...after.keys()].sort()).toEqual([...initial.keys()].sort());
    expect(after.get('fc.bias')).not.toEqual(initial.get('fc.bias'));
    // From the same state the same numbers; from the state after a step, others.
    const second = await session.run('train', feeds);
    expect(second.get('loss')).not.toEqual(first.get('loss'));
    await session.setState(initial);
    expect(await session.run('train', feeds)).toEqual(first);
    expect(await session.getState()).toEqual(after);
    const wrong: [string, HostTensor][] = [['images', float([1])], ...feeds.slice(1)];
    await expect(session.run('train', wrong)).rejects.toThrow(
      /train\.onnx: input images is uint8, but was fed with float32$/,
    );
    await session.close();
    await expect(session.getState()).rejects.toThrow('ended');
  }));
