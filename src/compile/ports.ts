/** The inputs and outputs of a graph together with their roles in the manifest. */
import type { GraphContract, Port } from '../bundle/manifest';
import type { Graph, Value } from '../graph/graph';
import type { DType } from '../tensors/dtype';

/** A built graph and what its ports are for. */
export interface StepGraph {
  readonly graph: Graph;
  readonly contract: Omit<GraphContract, 'file'>;
}

/** Adds ports to a graph and notes their roles in passing. */
export class Ports {
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];

  constructor(readonly graph: Graph) {}

  input(role: Port['role'], name: string, dtype: DType, shape: Value['shape']): Value {
    this.note(role, name, dtype, shape);
    return this.graph.input(name, dtype, shape);
  }

  /** Notes an input that exists already. */
  note(role: Port['role'], name: string, dtype: DType, shape: Value['shape']): void {
    this.inputs.push({ name, dtype: dtype as Port['dtype'], shape: [...shape], role });
  }

  output(role: Port['role'], name: string, value: Value, replaces?: string): void {
    const port: Port = { name, dtype: value.dtype as Port['dtype'], shape: [...value.shape], role };
    this.outputs.push(replaces === undefined ? port : { ...port, replaces });
    this.graph.output(name, value);
  }

  next(name: string, value: Value): void {
    this.output('state', `next.${name}`, value, name);
  }

  done(): StepGraph {
    return { graph: this.graph, contract: { inputs: this.inputs, outputs: this.outputs } };
  }
}
