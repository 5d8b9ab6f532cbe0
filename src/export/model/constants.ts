/** The weights of a network under rewriting. */
import type { Graph, Value } from '../../graph/graph';
import type { Uses } from '../../passes/uses';

/** The elements of a float32 constant. */
export const floats = (value: Value | null | undefined): Float32Array | null =>
  value?.constant && value.dtype === 'float32' ? (value.constant as Float32Array) : null;

/** Those of one that a single node reads: the one whose values a rewrite may change with it. */
export const ownFloats = (uses: Uses, value: Value | null): Float32Array | null =>
  value && uses.isSingle(value) ? floats(value) : null;

/** A constant made from one of `source`: `layer1.0.conv1.weight`, `folded`, `bias` -> `layer1.0.conv1.folded.bias`. */
export function derived(
  target: Graph,
  source: Value,
  what: string,
  field: string,
  shape: readonly number[],
  data: Float32Array,
): Value {
  const value = target.tensor('float32', shape, data);
  const name = source.graph.labels
    .get(source)
    ?.replace('.folded', '')
    .replace(/\.weight$/, '');
  return name === undefined ? value : target.label(`${name}.${what}.${field}`, value);
}
