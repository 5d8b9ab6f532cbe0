/** Triton's classification extension: of an output's values, the highest of each row as strings. */
import type { HostTensor } from '../../tensors/dtype';
import type { Tensors } from '../../inference/modelThread';
import { RequestError } from './requestError';
import type { ServedModel } from '../models/servedModel';

/** A tensor of the protocol's type BYTES. */
export interface TextTensor {
  readonly dtype: 'text';
  readonly shape: readonly number[];
  readonly data: readonly string[];
}

/** What the values of a model's outputs stand for. */
export type Labels = Pick<ServedModel, 'maxBatch' | 'classes'>;

export type OutputTensors = ReadonlyMap<string, HostTensor | TextTensor>;

/** The outputs, those in `counts` as the so many highest values of a row: `value:index`, and `:class` where it has a name. */
export function classifyOutputs(
  outputs: Tensors,
  counts: ReadonlyMap<string, number>,
  { maxBatch, classes }: Labels,
): OutputTensors {
  if (counts.size === 0) return outputs;
  return new Map(
    [...outputs].map(([name, tensor]) => {
      const count = counts.get(name);
      return [name, count === undefined ? tensor : highest(name, tensor, count, maxBatch > 0, classes)];
    }),
  );
}

function highest(
  name: string,
  { dtype, shape, data }: HostTensor,
  count: number,
  isBatched: boolean,
  classes: readonly string[] | null,
): TextTensor {
  if (dtype === 'float16' || dtype === 'bool')
    throw new RequestError('invalid', `output ${name}: classification takes numbers, not FP16 or BOOL`);
  const rows = isBatched ? shape[0] : 1;
  const width = data.length / rows;
  const names = classes?.length === width ? classes : null;
  const isFloat = dtype === 'float32' || dtype === 'float64';
  const kept = Math.min(count, width);
  const text: string[] = [];
  for (let row = 0; row < rows; row++) {
    const values = Array.from(
      data.subarray(row * width, (row + 1) * width) as ArrayLike<number | bigint>,
      Number,
    );
    const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
    for (const i of order.slice(0, kept)) {
      const value = isFloat ? values[i].toFixed(6) : String(values[i]);
      text.push(`${value}:${i}${names ? `:${names[i]}` : ''}`);
    }
  }
  return { dtype: 'text', shape: isBatched ? [rows, kept] : [kept], data: text };
}

/** BYTES as the protocol's binary form has them: the length of each, little-endian in 32 bits, before it. */
export function textBytes({ data }: TextTensor): Buffer {
  return Buffer.concat(
    data.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** RequestError where a tensor is to lie in memory that client and server share. */
export function refuseSharedMemory(parameters: object | undefined, where: string): void {
  if (parameters && 'shared_memory_region' in parameters)
    throw new RequestError('unimplemented', `${where}: shared memory is not served; send the data itself`);
}
