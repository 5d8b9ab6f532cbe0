/** `train-loop.onnx`: K training steps in one ONNX Loop around the emitted step, with the state carried inside. */
import type { Port } from '../bundle/manifest';
import { emitGraph } from '../graph/emit';
import type { Graph } from '../graph/graph';
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from '../onnx/model';
import type { StepGraph } from './ports';

/** Inside of the loop every name gets this prefix: a subgraph may not reuse the names around it. */
const INNER = 'step/';

const node = (
  name: string,
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: OnnxNode['attributes'] = [],
) => ({
  name,
  opType,
  domain: '',
  inputs,
  outputs,
  attributes,
});

/**
 * Batch, random and hyper inputs get a leading axis K, one entry a step; metrics come out with it. State goes in and out
 * once. `lowered` is the step's lowered graph, `contract` its ports.
 */
export function loopGraph(
  lowered: Graph,
  contract: StepGraph['contract'],
): { graph: OnnxGraph; contract: StepGraph['contract'] } {
  const step = emitGraph(lowered);
  const perStep = contract.inputs.filter((port) => port.role !== 'state');
  const updated = contract.outputs.filter((port) => port.replaces !== undefined);
  const metrics = contract.outputs.filter((port) => port.role === 'metric');
  const carried = new Set(updated.map((port) => port.replaces));
  const unchanged = contract.inputs.filter((port) => port.role === 'state' && !carried.has(port.name));

  const outside = new Set([...step.initializers.map((t) => t.name), ...unchanged.map((p) => p.name), '']);
  const inner = (name: string) => (outside.has(name) ? name : INNER + name);
  const innerNodes = step.nodes.map((n) => ({
    ...n,
    name: INNER + n.name,
    inputs: n.inputs.map(inner),
    outputs: n.outputs.map(inner),
  }));
  const iteration: OnnxValueInfo = { name: `${INNER}iteration`, dtype: 'int64', shape: [] };
  const goOn: OnnxValueInfo = { name: `${INNER}continue`, dtype: 'bool', shape: [] };
  const takes = perStep.map((port) =>
    node(
      `${INNER}take/${port.name}`,
      'Gather',
      [port.name, iteration.name],
      [inner(port.name)],
      [{ name: 'axis', type: 'int', value: 0 }],
    ),
  );
  const info = (port: Port, name: string, stacked = false): OnnxValueInfo => ({
    name,
    dtype: port.dtype,
    shape: stacked ? ['K', ...port.shape] : port.shape,
  });
  const body: OnnxGraph = {
    name: 'step',
    inputs: [iteration, goOn, ...updated.map((port) => info(port, inner(port.replaces as string)))],
    outputs: [
      { ...goOn, name: `${INNER}continue_next` },
      ...updated.map((port) => info(port, inner(port.name))),
      ...metrics.map((port) => info(port, inner(port.name))),
    ],
    initializers: [],
    nodes: [
      node(`${INNER}Identity`, 'Identity', [goOn.name], [`${INNER}continue_next`]),
      ...takes,
      ...innerNodes,
    ],
  };

  const constant = (name: string, dtype: 'int64' | 'bool', value: number): OnnxTensor => ({
    name,
    dtype,
    shape: [],
    data: dtype === 'bool' ? Uint8Array.of(value) : BigInt64Array.of(BigInt(value)),
  });
  const [counted] = perStep;
  const graph: OnnxGraph = {
    name: 'train-loop',
    inputs: contract.inputs.map((port) => info(port, port.name, port.role !== 'state')),
    outputs: [
      ...metrics.map((port) => info(port, port.name, true)),
      ...updated.map((port) => info(port, port.name)),
    ],
    initializers: [...step.initializers, constant('loop/zero', 'int64', 0), constant('loop/true', 'bool', 1)],
    nodes: [
      node('loop/Shape', 'Shape', [counted.name], ['loop/shape']),
      node(
        'loop/Gather',
        'Gather',
        ['loop/shape', 'loop/zero'],
        ['loop/K'],
        [{ name: 'axis', type: 'int', value: 0 }],
      ),
      node(
        'loop/Loop',
        'Loop',
        ['loop/K', 'loop/true', ...updated.map((port) => port.replaces as string)],
        [...updated.map((port) => port.name), ...metrics.map((port) => port.name)],
        [{ name: 'body', type: 'graph', value: body }],
      ),
    ],
  };
  return {
    graph,
    contract: {
      inputs: contract.inputs.map((port) =>
        port.role === 'state' ? port : { ...port, shape: ['K', ...port.shape] },
      ),
      outputs: [...metrics.map((port) => ({ ...port, shape: ['K' as const, ...port.shape] })), ...updated],
    },
  };
}
