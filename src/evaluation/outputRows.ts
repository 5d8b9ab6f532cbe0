/** One output of a network for the images of a loader, batch by batch. */
import type { Loader } from '../data/batches/loader';
import type { Batch } from '../data/batches/options';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';

/** What the images of a batch that count give. */
export interface OutputRows {
  readonly batch: Batch;
  readonly width: number;
  /** [batch.valid, width] */
  readonly values: Float32Array;
}

/**
 * Asks `run` for float32 [B, width] of every batch; its memory goes back to the loader afterwards. Throws a UserError where a
 * value is not finite; `what` is for the message.
 */
export async function* outputRows(
  loader: Loader,
  what: string,
  run: (batch: Batch) => Promise<HostTensor>,
): AsyncGenerator<OutputRows, void, void> {
  for await (const batch of loader) {
    const { data, shape } = await run(batch);
    const width = data.length / shape[0];
    const values = (data as Float32Array).subarray(0, batch.valid * width);
    if (!values.every(Number.isFinite))
      throw new UserError(
        `${loader.source.name}: the ${what} of some images is not finite; the network has diverged`,
      );
    yield { batch, width, values };
    loader.release([batch]);
  }
}
