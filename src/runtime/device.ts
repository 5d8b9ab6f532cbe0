/**
 * Tensors that stay in a WebGPU buffer between runs. The Node binding hands such outputs out and takes them as inputs of any
 * session of the thread, but cannot read them: its getData() ends the process (onnxruntime-node 1.30). A graph of Identity
 * nodes whose outputs lie on the CPU does the reading.
 */
import type { Tensor } from 'onnxruntime-node';
import { encodeModel } from '../onnx/encode';
import type { DType, HostTensor } from '../tensors/dtype';
import { plainModel } from '../onnx/model';

export class DeviceTensor {
  constructor(readonly tensor: Tensor) {}

  get dtype(): DType {
    return this.tensor.type as DType;
  }

  get shape(): readonly number[] {
    return this.tensor.dims;
  }

  /** Frees the buffer now: the garbage collector does not see its size. */
  release(): void {
    this.tensor.dispose();
  }
}

export type AnyTensor = HostTensor | DeviceTensor;

/** A model with outputs `host/<name>` that are copies of the inputs `<name>`. */
export function readingModel(tensors: ReadonlyMap<string, DeviceTensor>): Uint8Array {
  const entries = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  return encodeModel(
    plainModel({
      name: 'read',
      inputs: entries,
      outputs: entries.map((entry) => ({ ...entry, name: `host/${entry.name}` })),
      initializers: [],
      nodes: entries.map(({ name }) => ({
        name: `read/${name}`,
        opType: 'Identity',
        domain: '',
        inputs: [name],
        outputs: [`host/${name}`],
        attributes: [],
      })),
    }),
  );
}
