/** Control flow: bodies that run many times, or one of two. They may take values from around them; they have no gradient. */
import { defineOp } from '../graph/op';
import { Graph, type Value } from '../graph/graph';
import { sameShape, type TensorType } from '../graph/shape';
import type { Dim } from '../onnx/model';

const bodyTypes = (body: Graph) => body.outputs.map(({ value }) => value.type);

function requireSame(types: readonly TensorType[], others: readonly TensorType[], what: string): void {
  const same =
    types.length === others.length &&
    types.every(({ dtype, shape }, i) => dtype === others[i].dtype && sameShape(shape, others[i].shape));
  if (!same) throw new Error(`expected ${what} of one type`);
}

const loopOp = defineOp<{ body: Graph; length: Dim }>('Loop', {
  attributes: { body: 'graph', length: 'builder' },
  complete: ({ body, length = 'rounds' }) => {
    if (!body) throw new Error('expected a body');
    return { body, length };
  },
  // (trip count, condition, carried ...); the body puts out (condition, carried ..., stacked ...).
  infer: ([, , ...carried], { body, length }) => {
    const [, ...types] = bodyTypes(body);
    requireSame(types.slice(0, carried.length), carried, 'what goes into a round and comes out of it');
    const stacked = types.slice(carried.length);
    return [...carried, ...stacked.map(({ dtype, shape }) => ({ dtype, shape: [length, ...shape] }))];
  },
});

/** Values by name. */
export type Named = ReadonlyMap<string, Value>;

export interface Rounds {
  /** under the names of what was carried in */
  readonly carried: Named;
  /** results of each round, which come out stacked along a new first axis */
  readonly stacked: Named;
}

/**
 * Runs `body` for rounds 0 .. count - 1 (int64 []): it gets the round's number and what is carried, and gives what the next
 * round gets. `length` is the name or size of the axis along which results are stacked. Returns what the last round carried
 * and the stacked results.
 */
export function loop(
  name: string,
  count: Value,
  length: Dim,
  carried: Named,
  body: (inner: Graph, round: Value, carried: Named) => Rounds,
): Rounds {
  const { graph } = count;
  const inner = new Graph(name, graph);
  const round = inner.input('round', 'int64', []);
  const goOn = inner.input('condition', 'bool', []);
  const given = new Map([...carried].map(([key, { dtype, shape }]) => [key, inner.input(key, dtype, shape)]));
  const made = body(inner, round, given);
  inner.output('next.condition', goOn);
  for (const key of carried.keys()) {
    const next = made.carried.get(key);
    if (!next) throw new Error(`loop ${name}: the body gives no ${key} for the next round`);
    inner.output(`next.${key}`, next);
  }
  made.stacked.forEach((value, key) => inner.output(`each.${key}`, value));
  const always = graph.constant('bool', [], [1]);
  const outputs = loopOp.call([count, always, ...carried.values()], { body: inner, length });
  const byName = (keys: Iterable<string>, from: number) =>
    new Map([...keys].map((key, i) => [key, outputs[from + i]]));
  return { carried: byName(carried.keys(), 0), stacked: byName(made.stacked.keys(), carried.size) };
}

const ifOp = defineOp<{ then_branch: Graph; else_branch: Graph }>('If', {
  attributes: { then_branch: 'graph', else_branch: 'graph' },
  infer: ([condition], { then_branch: yes, else_branch: no }) => {
    if (condition.dtype !== 'bool' || condition.shape.length > 0) throw new Error('expected one bool');
    requireSame(bodyTypes(yes), bodyTypes(no), 'branches');
    return bodyTypes(yes);
  },
});

/** The values of `yes` where the condition (bool []) holds, else those of `no`; only that branch runs. */
export function cond(
  condition: Value,
  yes: (inner: Graph) => readonly Value[],
  no: (inner: Graph) => readonly Value[],
): Value[] {
  const branch = (name: string, build: typeof yes) => {
    const inner = new Graph(name, condition.graph);
    build(inner).forEach((value, i) => inner.output(`result_${i}`, value));
    return inner;
  };
  return ifOp.call([condition], { then_branch: branch('then', yes), else_branch: branch('else', no) });
}
