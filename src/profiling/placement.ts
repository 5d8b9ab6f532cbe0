/** `--explain-placement`: which node of the training graph runs on which provider, for people. */
import { availableParallelism } from 'node:os';
import { maxOf } from '../base/lists';
import { withTemporary } from '../base/temporary';
import { graphPath, initialStatePath, readBundle } from '../bundle/read';
import { readSafetensors } from '../tensors/safetensors';
import type { HostTensor } from '../tensors/dtype';
import { requireProvider, type SessionSettings } from '../runtime/providers';
import type { Provider } from '../base/providers';
import { scalarFeeds } from '../evaluation/feeds';
import { randomBatch } from '../bundle/randomBatch';
import { RANDOM_SCALARS } from './measure';
import { profiled } from './profiled';
import type { Kernel } from './trace';

/** A kernel that ran. The runtime has fused and folded nodes by then, and added copies between providers. */
export type PlacedNode = Pick<Kernel, 'name' | 'op' | 'provider'>;

/** The lines of the report on one step of the bundle's `train.onnx`. Writes nothing. Throws as `placeNodes` does. */
export async function explainPlacement(
  directory: string,
  { provider: asked, threads = availableParallelism() }: { provider?: Provider; threads?: number },
): Promise<string[]> {
  const provider = asked ?? readBundle(directory).manifest.provider;
  return describePlacement(await placeNodes(directory, { provider, threads }), provider);
}

/**
 * The kernels of one step of the bundle's `train.onnx` on random images and its initial state. Writes nothing. Throws a
 * UserError where there is no bundle or the provider is missing.
 */
export async function placeNodes(directory: string, settings: SessionSettings): Promise<readonly Kernel[]> {
  const bundle = readBundle(directory);
  requireProvider(settings.provider);
  const { train } = bundle.manifest.graphs;
  const feeds = new Map<string, HostTensor>([
    ...readSafetensors(initialStatePath(bundle)).tensors,
    ...randomBatch(train, bundle.manifest.recipe),
    ...scalarFeeds(train, RANDOM_SCALARS, false),
  ]);
  return withTemporary('placement', async (folder) => {
    const { runs } = await profiled(
      { folder, name: 'step' },
      graphPath(bundle, 'train'),
      settings,
      (session) => session.run(feeds),
    );
    return runs[0].kernels;
  });
}

const KERNEL_PROVIDERS: Readonly<Record<Provider, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};

/** A table by operator and provider; nodes that a GPU session left to the CPU are marked and then named. */
export function describePlacement(nodes: readonly PlacedNode[], provider: Provider): string[] {
  const asked = KERNEL_PROVIDERS[provider];
  const here = nodes.filter((node) => node.provider === asked);
  if (here.length === nodes.length) {
    return [`all ${nodes.length} nodes run on ${provider}`, ...table(nodes, asked)];
  }
  const elsewhere = nodes.filter((node) => node.provider !== asked);
  return [
    `${here.length} of ${nodes.length} nodes run on ${provider}, ${elsewhere.length} were left to another provider (*)`,
    ...table(nodes, asked),
    '',
    'left to another provider:',
    ...elsewhere.map((node) => `  ${node.name} (${node.op})`),
  ];
}

function table(nodes: readonly PlacedNode[], asked: string): string[] {
  const counts = new Map<string, { node: PlacedNode; count: number }>();
  for (const node of nodes) {
    const key = `${node.op} ${node.provider}`;
    const row = counts.get(key) ?? { node, count: 0 };
    counts.set(key, { ...row, count: row.count + 1 });
  }
  const rows = [...counts.values()].sort((a, b) => b.count - a.count);
  const width = maxOf(rows.map(({ node }) => node.op.length));
  return rows.map(
    ({ node, count }) =>
      `${node.provider === asked ? ' ' : '*'} ${node.op.padEnd(width)} ${String(count).padStart(6)}  ${node.provider}`,
  );
}
