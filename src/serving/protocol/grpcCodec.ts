/** The protocol's gRPC messages to tensors and back. */
import type { DType, HostTensor } from '../../tensors/dtype';
import { toBytes } from '../../tensors/dtype';
import { refuseSharedMemory, textBytes, type TextTensor } from './classification';
import { tensorFromBytes, tensorFromValues, parseDataType } from './dataTypes';
import { dataTypeName } from '../../repository/dataTypeNames';
import type { Tensors } from '../../inference/modelThread';
import { RequestError } from './requestError';
import type { Results } from './restCodec';

/** The field of InferTensorContents for a dtype; null: it has none. */
const FIELDS = {
  bool: 'bool_contents',
  int8: 'int_contents',
  int32: 'int_contents',
  int64: 'int64_contents',
  uint8: 'uint_contents',
  uint16: 'uint_contents',
  uint32: 'uint_contents',
  uint64: 'uint64_contents',
  float32: 'fp32_contents',
  float64: 'fp64_contents',
  float16: null,
} as const satisfies Record<DType, string | null>;

interface Parameter {
  readonly int64_param?: string;
  readonly uint64_param?: string;
}

type Parameters = Readonly<Record<string, Parameter | undefined>>;

type Contents = Partial<Readonly<Record<string, readonly unknown[]>>>;

/** As the loader makes them: 64-bit numbers as text, defaults filled in. */
export interface InferMessage {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly string[];
    readonly parameters: Parameters;
    readonly contents: Contents | null;
  }[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Buffer[];
}

/** RequestError for whatever does not follow the protocol. */
export function readInferMessage({
  inputs,
  outputs,
  raw_input_contents: raw,
}: Pick<InferMessage, 'inputs' | 'outputs' | 'raw_input_contents'>): {
  inputs: Tensors;
  outputs: readonly string[] | null;
  /** of which outputs the so many highest values are asked for */
  classes: ReadonlyMap<string, number>;
} {
  if (inputs.length === 0) throw new RequestError('invalid', 'the request has no inputs');
  if (raw.length > 0 && raw.length !== inputs.length)
    throw new RequestError(
      'invalid',
      `raw_input_contents has ${raw.length} parts for ${inputs.length} inputs`,
    );
  const tensors = new Map(
    inputs.map((input, i) => {
      const where = `input ${input.name}`;
      refuseSharedMemory(input.parameters, where);
      const dtype = parseDataType(input.datatype, where);
      const shape = input.shape.map(Number);
      if (raw.length > 0) return [input.name, tensorFromBytes(dtype, shape, raw[i], where)];
      const field = FIELDS[dtype];
      if (field === null)
        throw new RequestError('invalid', `${where}: ${input.datatype} must come in raw_input_contents`);
      const given = input.contents?.[field] ?? [];
      const wide = field === 'int64_contents' || field === 'uint64_contents';
      const values = wide ? given.map((value) => BigInt(value as string)) : given;
      return [input.name, tensorFromValues(dtype, shape, values, where)];
    }),
  );
  if (tensors.size < inputs.length) throw new RequestError('invalid', 'two inputs have the same name');
  return {
    inputs: tensors,
    outputs: outputs.length === 0 ? null : outputs.map(({ name }) => name),
    classes: new Map(outputs.flatMap(({ name, parameters }) => classCount(name, parameters))),
  };
}

function classCount(name: string, parameters: Parameters): (readonly [string, number])[] {
  refuseSharedMemory(parameters, `output ${name}`);
  const { classification } = parameters;
  if (!classification) return [];
  const count = Number(classification.int64_param ?? classification.uint64_param);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RequestError('invalid', `output ${name}: classification must be a whole number of at least 1`);
  return [[name, count]];
}

/** `raw`: in raw_output_contents, as also where an output is FP16. */
export function writeInferMessage({ model, version, outputs }: Results, id: string, raw: boolean) {
  const entries = [...outputs];
  const bytes = raw || entries.some(([, { dtype }]) => dtype === 'float16');
  return {
    model_name: model,
    model_version: version,
    id,
    outputs: entries.map(([name, tensor]) => ({
      name,
      datatype: tensor.dtype === 'text' ? 'BYTES' : dataTypeName(tensor.dtype),
      shape: tensor.shape,
      contents: bytes ? undefined : contentsOf(tensor),
    })),
    raw_output_contents: bytes ? entries.map(([, tensor]) => bytesOf(tensor)) : [],
  };
}

const bytesOf = (tensor: HostTensor | TextTensor) =>
  tensor.dtype === 'text' ? textBytes(tensor) : Buffer.from(toBytes(tensor.data));

function contentsOf({ dtype, data }: HostTensor | TextTensor): Contents {
  if (dtype === 'text') return { bytes_contents: data.map((text) => Buffer.from(text)) };
  const field = FIELDS[dtype];
  if (field === null) throw new Error(`${dtype} has no contents`);
  const values = Array.from(data as ArrayLike<number | bigint>, (value) => {
    if (dtype === 'bool') return value !== 0;
    return typeof value === 'bigint' ? String(value) : value;
  });
  return { [field]: values };
}
