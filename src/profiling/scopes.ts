/** Which part of the network a kernel belongs to, read off its node's name. */

export const PHASES = ['forward', 'backward', 'optimizer', 'runtime'] as const;
/** `runtime`: of nodes that the runtime put in and whose name says nothing of ours. */
export type Phase = (typeof PHASES)[number];

export interface Place {
  readonly phase: Phase;
  /** scopes from the outside in: `/grad/layer1/0/conv1/Gemm` is at layer1, 0, conv1 */
  readonly path: readonly string[];
}

/** What the runtime's rewrites put before the name of the node that they change. */
const REWRITTEN = /^(?:fused |InsertedPrecisionFreeCast_)+/;

/**
 * Tells where nodes belong. `nodes` and `values` are the names in the graph before the runtime rewrote it, `parameters`
 * those of the state (`layer1.0.conv1.weight`). A fused node is named after one of its parts with a suffix
 * (`/fc/MatMul/MatmulTransposeFusion//`); the longest known name that it starts with counts.
 */
export function placer(
  nodes: Iterable<string>,
  values: Iterable<string>,
  parameters: Iterable<string>,
): (name: string) => Place {
  const known = new Set([...nodes, ...values]);
  const owned = new Set(parameters);
  return (name) => {
    const bare = name.replace(REWRITTEN, '');
    const original = known.has(bare) ? bare : longestPrefix(bare, known);
    if (!original?.startsWith('/')) return { phase: 'runtime', path: [] };
    const path = original.split('/').slice(1, -1);
    if (path[0] === 'grad') return { phase: 'backward', path: path.slice(1) };
    if (path[0] !== 'optim') return { phase: 'forward', path };
    // An update is named after its parameter; it belongs to the module that has the parameter.
    const updated = path.slice(1);
    return { phase: 'optimizer', path: owned.has(updated.join('.')) ? updated.slice(0, -1) : updated };
  };
}

function longestPrefix(name: string, known: ReadonlySet<string>): string | undefined {
  for (let length = name.length - 1; length > 0; length--) {
    if (/[A-Za-z0-9]/.test(name[length])) continue;
    const prefix = name.slice(0, length);
    if (known.has(prefix)) return prefix;
  }
  return undefined;
}
