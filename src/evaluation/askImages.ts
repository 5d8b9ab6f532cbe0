/** A run's network asked about images, batch by batch. */
import type { GraphName, Manifest } from '../bundle/manifest';
import type { Loader } from '../data/batches/loader';
import type { Batch } from '../data/batches/options';
import type { StateSession } from '../runtime/stateSession';
import type { HostTensor } from '../tensors/dtype';
import { batchFeeds } from './feeds';

export interface Answer {
  readonly batch: Batch;
  /** An output of the graph, [B, ...]. Throws where it has none of that name. */
  readonly output: (name: string) => HostTensor;
  readonly outputs: ReadonlyMap<string, HostTensor>;
}

/**
 * What `graph` answers to every batch of the loader, by the state that the session holds. A batch's memory goes back to the
 * loader when the next one is asked for.
 */
export async function* askImages(
  session: StateSession,
  manifest: Manifest,
  loader: Loader,
  graph: GraphName = 'eval',
): AsyncGenerator<Answer, void, void> {
  for await (const batch of loader) {
    const outputs = await session.run(graph, batchFeeds(manifest.graphs[graph], [batch], false));
    const output = (name: string) => {
      const tensor = outputs.get(name);
      if (!tensor) throw new Error(`${graph}.onnx gives no ${name}`);
      return tensor;
    };
    yield { batch, output, outputs };
    loader.release([batch]);
  }
}
