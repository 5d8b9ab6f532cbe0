/** config.pbtxt as Triton's users write it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readModelConfig } from '../../src/repository/modelConfig';
import { readRepository } from '../../src/repository/layout';
import { inTemporaryFolder } from '../support/temporary';

const CONFIG = `
# a classifier
name: "birds"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  { name: "image", data_type: TYPE_FP32, dims: [ 3, 32, 32 ] }
]
output [
  {
    name: "probabilities"
    data_type: TYPE_FP32
    dims: [ 2 ]
    label_filename: "names.txt"
  }
]
dynamic_batching { max_queue_delay_microseconds: 500 }
version_policy: { specific { versions: [1, 3] } }
`;

test('batching, versions and labels', () =>
  inTemporaryFolder((folder) => {
    const birds = path.join(folder, 'birds');
    for (const version of ['1', '2', '3', '03', 'old']) {
      mkdirSync(path.join(birds, version), { recursive: true });
      writeFileSync(path.join(birds, version, 'model.onnx'), '');
    }
    const chosen = () =>
      readRepository(folder).models.map(({ versions }) => versions.map(({ version }) => version));
    expect(chosen()).toEqual([['3']]);
    writeFileSync(path.join(birds, 'config.pbtxt'), CONFIG);
    writeFileSync(path.join(birds, 'names.txt'), 'robin\nwren\n');
    expect(readModelConfig(birds)).toEqual({
      maxBatch: 8,
      delay: 0.5,
      policy: { kind: 'specific', versions: ['1', '3'] },
      filename: 'model.onnx',
      labelsFile: 'names.txt',
      labels: ['robin', 'wren'],
      ensemble: null,
    });
    expect(chosen()).toEqual([['3', '1']]);
    writeFileSync(path.join(birds, 'config.pbtxt'), 'version_policy { latest { num_versions: 2 } }');
    expect(chosen()).toEqual([['3', '2']]);
    writeFileSync(path.join(birds, 'config.pbtxt'), 'backend: "python"');
    expect(readRepository(folder).bad).toEqual([
      { name: 'birds', problem: expect.stringContaining('platform python is not served') as string },
    ]);
  }));
