/** `train-loop.onnx`: K training steps in one ONNX Loop around the lowered step, with the state carried inside. */
import type { Port } from '../bundle/manifest';
import { Graph, inputName, type Value } from '../graph/graph';
import { loop } from '../ops/control';
import { gather } from '../ops/gather';
import { shapeOf } from '../ops/onnx';
import { copyNodes } from '../passes/rewrite';
import { Ports, type StepGraph } from './ports';

/** Steps, known when the loop runs. */
const K = 'K';

/**
 * Batch, random and hyper inputs get a leading axis K, one entry a step; metrics come out with it. State goes in and out once.
 * `step` is lowered.
 */
export function loopGraph({ graph: step, contract }: StepGraph): StepGraph {
  const ports = new Ports(new Graph('train-loop'));
  const { graph } = ports;
  const carried = contract.outputs.filter((port) => port.replaces !== undefined);
  const metrics = contract.outputs.filter((port) => port.role === 'metric');
  const inputs = new Map(
    contract.inputs.map(({ name, role, dtype, shape }): [string, Value] => [
      name,
      ports.input(role, name, dtype, role === 'state' ? shape : [K, ...shape]),
    ]),
  );
  const isStacked = ({ role }: Port) => role !== 'state';
  const [first] = contract.inputs.filter(isStacked);
  const count = graph.scope('loop', () =>
    gather(shapeOf(inputs.get(first.name) as Value), graph.scalar(0, 'int64')),
  );
  const state = (name: string) => inputs.get(name) as Value;
  const results = loop(
    'step',
    count,
    K,
    new Map(carried.map(({ replaces = '' }) => [replaces, state(replaces)])),
    (inner, round, own) => {
      const ofRound = new Map(
        contract.inputs.map((port): [string, Value] => {
          const outside = inputs.get(port.name) as Value;
          return [port.name, isStacked(port) ? gather(outside, round) : (own.get(port.name) ?? outside)];
        }),
      );
      const given = step.inputs.map((v): [Value, Value] => [v, ofRound.get(inputName(v)) as Value]);
      const made = copyNodes(step, inner, new Map(given));
      const named = new Map(step.outputs.map(({ name, value }) => [name, made(value)]));
      const result = (name: string) => named.get(name) as Value;
      return {
        carried: new Map(carried.map(({ name, replaces = '' }) => [replaces, result(name)])),
        stacked: new Map(metrics.map(({ name }) => [name, result(name)])),
      };
    },
  );
  metrics.forEach(({ name, role }) => ports.output(role, name, results.stacked.get(name) as Value));
  for (const { name, role, replaces = '' } of carried)
    ports.output(role, name, results.carried.get(replaces) as Value, replaces);
  return ports.done();
}
