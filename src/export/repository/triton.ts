/** Triton's config.pbtxt for the three models of an exported repository. */
import type { Dim, OnnxValueInfo } from '../../onnx/model';
import { IMAGE, PIXELS } from '../model/network';
import { Name, type Fields } from '../../repository/textFormat';

export const CONFIG = 'config.pbtxt';
export const LABELS = 'labels.txt';

/** What a model takes and gives; the first size of each is the batch. */
export interface Ports {
  readonly name: string;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

/** Rows at once, and microseconds that a request may wait for others to share a batch: what `selfie serve` does by itself, too. */
const MAX_BATCH = 32;
const QUEUE_DELAY = 2000;

/** Outputs with a value for each class. */
const BY_CLASS = ['logits', 'probabilities'];

const TYPES: Partial<Readonly<Record<OnnxValueInfo['dtype'], string>>> = {
  float32: 'TYPE_FP32',
  uint8: 'TYPE_UINT8',
  uint16: 'TYPE_UINT16',
};

/** Sizes behind the batch; -1: any. */
const dims = ([, ...sizes]: readonly Dim[]) => sizes.map((size) => (typeof size === 'number' ? size : -1));

function port({ name, dtype, shape }: OnnxValueInfo, labels = false): Fields {
  const type = TYPES[dtype];
  if (type === undefined) throw new Error(`${name} is ${dtype}`);
  return {
    name,
    data_type: new Name(type),
    dims: dims(shape),
    ...(labels && BY_CLASS.includes(name) && { label_filename: LABELS }),
  };
}

const NEWEST = { latest: { num_versions: 1 } };

/**
 * One ONNX model. No instance_group: Triton starts an instance on every GPU, or one on the CPU.
 * @param labels whether labels.txt names the classes
 * @param warmup sizes of the image that it computes before it is ready
 */
export function onnxConfig(
  { name, inputs, outputs }: Ports,
  labels: boolean,
  warmup: readonly number[],
): Fields {
  const zeros = inputs.map((input) => ({
    key: input.name,
    value: { data_type: new Name(TYPES[input.dtype] ?? ''), dims: warmup, zero_data: true },
  }));
  return {
    name,
    platform: 'onnxruntime_onnx',
    max_batch_size: MAX_BATCH,
    input: inputs.map((input) => port(input)),
    output: outputs.map((output) => port(output, labels)),
    version_policy: NEWEST,
    dynamic_batching: { max_queue_delay_microseconds: QUEUE_DELAY },
    model_warmup: [{ name: 'zeros', batch_size: 1, inputs: zeros }],
  };
}

/** The ensemble photo -> preprocess -> model; its classes have the model's labels. Batches are made inside of its steps. */
export function ensembleConfig(name: string, preprocess: Ports, model: Ports): Fields {
  return {
    name,
    platform: 'ensemble',
    max_batch_size: MAX_BATCH,
    input: preprocess.inputs.map((input) => port(input)),
    output: model.outputs.map((output) => port(output)),
    version_policy: NEWEST,
    ensemble_scheduling: {
      step: [
        {
          model_name: preprocess.name,
          model_version: -1,
          input_map: [{ key: IMAGE, value: IMAGE }],
          output_map: [{ key: PIXELS, value: PIXELS }],
        },
        {
          model_name: model.name,
          model_version: -1,
          input_map: [{ key: IMAGE, value: PIXELS }],
          output_map: model.outputs.map((output) => ({ key: output.name, value: output.name })),
        },
      ],
    },
  };
}
