/** From batches to a graph's inputs, and from its metrics to numbers. */
import { patchCounts } from '../bundle/checkRecipe';
import type { GraphContract, Manifest, Port } from '../bundle/manifest';
import type { Batch, BatchOptions } from '../data/batches/options';
import { fromBytes, toBytes } from '../tensors/dtype';
import type { HostTensor, TypedArray } from '../tensors/dtype';

const BATCH_ARRAYS = ['images', 'labels', 'patch_order', 'unlabelled_weak', 'unlabelled_strong'] as const;

/** What a graph takes of a batch, in memory of any kind. */
type FedArrays = Pick<Batch, 'indices'> & {
  readonly [name in (typeof BATCH_ARRAYS)[number]]?: TypedArray;
};
/** What of a batch goes into a step. */
export type FedBatch = FedArrays & Pick<Batch, 'step' | 'epoch'>;

/** What the bundle wants of every batch. */
export function batchOptions(
  manifest: Manifest,
  mode: BatchOptions['mode'],
): Pick<BatchOptions, 'batch' | 'mode' | 'image' | 'augment' | 'labels' | 'patchOrder'> {
  const { recipe, graphs } = manifest;
  const { inputs } = mode === 'train' ? graphs.train : graphs.eval;
  const wants = (name: string) => inputs.some((port) => port.role === 'batch' && port.name === name);
  const { grid, hidden } = patchCounts(recipe);
  return {
    mode,
    batch: recipe.batch,
    image: recipe.image,
    augment: mode === 'train' ? recipe.augment : null,
    labels: wants('labels') ? { classes: recipe.network.classes } : undefined,
    patchOrder: wants('patch_order') ? { grid, hidden, mask: recipe.patch.mask } : undefined,
  };
}

/** The batch inputs of `contract`; for `train-loop` one leading axis over the batches. */
export function batchFeeds(
  contract: GraphContract,
  batches: readonly FedArrays[],
  loop: boolean,
): [string, HostTensor][] {
  return contract.inputs
    .filter(({ role }) => role === 'batch')
    .map((port) => {
      const arrays = batches.map((batch) => batchArray(port, batch));
      const shape = port.shape.slice(loop ? 1 : 0).map((size, axis) => {
        if (typeof size === 'number') return size;
        if (axis === 0) return batches[0].indices.length;
        throw new Error(`input ${port.name} has the open size ${size}`);
      });
      return [
        port.name,
        loop
          ? { dtype: port.dtype, shape: [batches.length, ...shape], data: concatenate(port, arrays) }
          : { dtype: port.dtype, shape, data: arrays[0] },
      ];
    });
}

function batchArray({ name }: Port, batch: FedArrays): TypedArray {
  const known = BATCH_ARRAYS.find((array) => array === name);
  const array = known && batch[known];
  if (!array) throw new Error(`the loader has nothing for the batch input ${name}`);
  return array;
}

/** The arrays as one: the very memory where they lie behind one another, as a block of the loader does. */
function concatenate({ dtype }: Port, arrays: readonly TypedArray[]): TypedArray {
  const { buffer, byteOffset } = arrays[0];
  const bytesEach = arrays[0].byteLength;
  if (arrays.every((a, i) => a.buffer === buffer && a.byteOffset === byteOffset + i * bytesEach)) {
    return fromBytes(dtype, new Uint8Array(buffer, byteOffset, arrays.length * bytesEach));
  }
  const bytes = new Uint8Array(arrays.length * bytesEach);
  arrays.forEach((a, i) => bytes.set(toBytes(a), i * bytesEach));
  return fromBytes(dtype, bytes);
}

/** Values of `random` and `hyper` inputs, one a step; a scalar, or [K] for `train-loop`. */
export function scalarFeeds(
  contract: GraphContract,
  values: Readonly<Record<string, readonly number[]>>,
  loop: boolean,
): [string, HostTensor][] {
  return contract.inputs
    .filter(({ role }) => role === 'random' || role === 'hyper')
    .map(({ name, dtype }) => {
      const given = (values as Readonly<Record<string, readonly number[] | undefined>>)[name];
      if (!given) throw new Error(`the trainer has nothing for the input ${name}`);
      const data = dtype === 'int64' ? BigInt64Array.from(given, BigInt) : Float32Array.from(given);
      return [name, { dtype, shape: loop ? [given.length] : [], data }];
    });
}

/** Metric outputs as one record a step. */
export function metricRecords(
  contract: GraphContract,
  outputs: ReadonlyMap<string, HostTensor>,
  steps: number,
): Record<string, number>[] {
  const names = contract.outputs.filter(({ role }) => role === 'metric').map(({ name }) => name);
  return Array.from({ length: steps }, (_, i) =>
    Object.fromEntries(names.map((name) => [name, Number(outputs.get(name)?.data[i] ?? NaN)])),
  );
}
