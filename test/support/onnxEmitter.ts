/** A few lines to write ONNX graphs by hand, for tests that must not depend on the builder. */
import type { DType, TypedArray } from '../../src/tensors/dtype';
import type { Dim, OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../../src/onnx/model';

export interface PortSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

type AttributeValue = number | readonly number[] | OnnxGraph;

export class OnnxEmitter {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers: OnnxTensor[] = [];

  constructor(private readonly prefix = '') {}

  /** Adds a node and returns the name of its first output. */
  node(
    opType: string,
    inputs: string[],
    attributes: Record<string, AttributeValue> = {},
    outputs?: string[],
  ): string {
    const name = `/${this.prefix}${opType}_${this.nodes.length}`;
    const results = outputs ?? [`${name}_out`];
    this.nodes.push({
      name,
      opType,
      domain: '',
      inputs,
      outputs: results,
      attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return results[0];
  }

  /** Gives `value` the name that a graph output must have. */
  as(name: string, value: string): string {
    return this.node('Identity', [value], {}, [name]);
  }

  floats(values: readonly number[], shape: readonly number[] = []): string {
    return this.constant('float32', Float32Array.from(values), shape);
  }

  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant('int64', BigInt64Array.from(values, BigInt), shape);
  }

  bool(value: boolean): string {
    return this.constant('bool', Uint8Array.of(Number(value)), []);
  }

  graph(name: string, inputs: readonly PortSpec[], outputs: readonly PortSpec[]): OnnxGraph {
    return { name, inputs, outputs, initializers: this.initializers, nodes: this.nodes };
  }

  private constant(dtype: DType, data: TypedArray, shape: readonly number[]): string {
    const name = `${this.prefix}constant_${this.initializers.length}`;
    this.initializers.push({ name, dtype, shape, data });
    return name;
  }
}

function attribute(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') return { name, type: 'int', value };
  if ('nodes' in value) return { name, type: 'graph', value };
  return { name, type: 'ints', value };
}

export function toModel(graph: OnnxGraph): OnnxModel {
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producerName: 'selfie-onnx tests',
    producerVersion: '0',
    metadata: {},
    graph,
  };
}
