/** Common subexpressions: nodes with the same operator, attributes and inputs become one, equal constants too. */
import { createHash } from 'node:crypto';
import { toBytes } from '../tensors/dtype';
import type { Graph, Value } from '../graph/graph';
import { rewrite } from './rewrite';

export function mergeCommonSubexpressions(graph: Graph): Graph {
  const ids = new Map<Value, string>();
  const identify = (value: Value | null): string => {
    if (!value) return '-';
    let id = ids.get(value);
    if (id === undefined) {
      id = value.constant
        ? `${value.dtype}[${value.shape.join()}]${createHash('sha1').update(toBytes(value.constant)).digest('hex')}`
        : String(ids.size);
      ids.set(value, id);
    }
    return id;
  };
  const seen = new Map<string, readonly Value[]>();
  const constants = new Map<string, Value>();
  return rewrite(graph, (node, inputs, target) => {
    const merged = inputs.map((input) => {
      if (!input?.constant) return input;
      const id = identify(input);
      const first = constants.get(id);
      if (!first) constants.set(id, input);
      return first ?? input;
    });
    const inputIds = merged.map(identify);
    if (node.op.definition.commutative) inputIds.sort();
    const key = JSON.stringify([node.op.type, inputIds, Object.entries(node.attrs).sort()]);
    let outputs = seen.get(key);
    if (!outputs) {
      outputs = target.copy(node, merged);
      seen.set(key, outputs);
    }
    return outputs;
  });
}
