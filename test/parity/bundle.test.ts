/** The files of a bundle against each other: K steps in the loop, and gradients then update, are K single steps, bit for bit. */
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { readBundle } from '../../src/bundle/read';
import type { GraphName } from '../../src/bundle/manifest';
import type { HostTensor } from '../../src/tensors/dtype';
import { StateSession } from '../../src/runtime/stateSession';
import { expectSameBits } from '../support/blocks';
import { numbersOf } from '../support/tensors';
import { inTemporaryFolder } from '../support/temporary';
import { scalarsAt, torchCase, type TorchCase } from '../support/torchCase';

const STEPS = 4;
type Named = ReadonlyMap<string, HostTensor>;

/** Tensors of the same name behind one another, along a new first axis. */
function stack(steps: readonly Named[]): [string, HostTensor][] {
  return [...steps[0]].map(([name, { dtype, shape }]) => {
    const parts = steps.map((step) => (step.get(name) as HostTensor).data);
    const bytes = Buffer.concat(parts.map((p) => new Uint8Array(p.buffer, p.byteOffset, p.byteLength)));
    const Kind = parts[0].constructor as new (buffer: ArrayBuffer) => HostTensor['data'];
    return [name, { dtype, shape: [STEPS, ...shape], data: new Kind(new Uint8Array(bytes).buffer) }];
  });
}

const sorted = (state: Named) => Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Feeds of each step: the batch turned around its first axis by another amount each time, and the step's scalars. */
const feedsOf = (stored: TorchCase): Named[] =>
  Array.from({ length: STEPS }, (_, step) => {
    const turned = [...stored.batch].map(([name, tensor]): [string, HostTensor] => {
      const at = (step % tensor.shape[0]) * (tensor.data.length / tensor.shape[0]);
      const data = tensor.data.slice() as Uint8Array;
      data.set(tensor.data.subarray(at) as Uint8Array);
      data.set(tensor.data.subarray(0, at) as Uint8Array, tensor.data.length - at);
      return [name, { ...tensor, data }];
    });
    return new Map([...turned, ...Object.entries(scalarsAt(stored, step))]);
  });

test.each(['finetune-mixup-smoothing-average', 'finetune-consistency-average', 'pretrain-adamw'])(
  '%s',
  (name) =>
    inTemporaryFolder(async (folder) => {
      const stored = torchCase(name);
      buildBundle(name, stored.recipe, folder);
      const bundle = readBundle(path.join(folder, 'graph'));
      const session = new StateSession(bundle, { provider: 'cpu', threads: 1 });
      const steps = feedsOf(stored);
      const pick = (graph: GraphName, feeds: Named) =>
        [...feeds].filter(([key]) => bundle.manifest.graphs[graph].inputs.some((port) => port.name === key));
      const run = async (way: () => Promise<Named[]>) => {
        await session.setState(stored.state);
        const metrics = new Map<string, number[]>();
        for (const result of await way()) {
          for (const [key, value] of result)
            metrics.set(key, [...(metrics.get(key) ?? []), ...numbersOf(value)]);
        }
        return { metrics, state: await session.getState() };
      };
      try {
        const whole = await run(async () => {
          const results = [];
          for (const feeds of steps) results.push(await session.run('train', pick('train', feeds)));
          return results;
        });
        const loop = await run(async () => [await session.run('train-loop', stack(steps))]);
        const cut = await run(async () => {
          const results = [];
          for (const feeds of steps) {
            const found = await session.run('grad', pick('grad', feeds));
            results.push(new Map([...found, ...(await session.run('apply', pick('apply', feeds)))]));
          }
          return results;
        });
        // one thread and the same operators in the same order: the same bits
        for (const other of [loop, cut]) {
          expect([...other.metrics].sort()).toEqual([...whole.metrics].sort());
          expectSameBits(sorted(other.state), sorted(whole.state));
        }
      } finally {
        await session.close();
      }
    }),
);
