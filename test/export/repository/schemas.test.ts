/** Triton's schema refuses what Triton does not know, and names are Kubernetes'. */
import { kubernetesName } from '../../../src/export/repository/kserve';
import { schemaErrors } from '../../support/tritonSchema';

test('the schema itself refuses what Triton does not know', () => {
  expect(schemaErrors('name: "a" instances: 3 max_batch_size: "x" platform {}')).toEqual([
    'instances: ModelConfig has no such field',
    'max_batch_size: "x" is no int32',
    expect.stringContaining('platform: '),
  ]);
  expect(schemaErrors('input { data_type: TYPE_FLOAT } dynamic_batching {} ensemble_scheduling {}')).toEqual([
    'input.data_type: "TYPE_FLOAT" is no DataType',
    'ensemble_scheduling: another scheduling_choice',
  ]);
});

test('names that Kubernetes takes', () => {
  expect(['fine', 'Fine_Tuned.v2', '7up', '--x--'].map(kubernetesName)).toEqual([
    'fine',
    'fine-tuned-v2',
    'm-7up',
    'x',
  ]);
});
