/** Features of labelled images: what a run's frozen encoder makes of them, computed once. */
import { append } from '../base/lists';
import type { GraphName, Manifest } from '../bundle/manifest';
import { noneReadable } from '../data/batches/examples';
import { createLoader } from '../data/batches/loader';
import type { BatchOptions, BrokenImage } from '../data/batches/options';
import { type Source, type Split } from '../data/sources/source';
import { openSource } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { outputRows } from './outputRows';
import { joinFloats } from '../tensors/dtype';
import type { StateSession } from '../runtime/stateSession';
import { batchFeeds, batchOptions } from './feeds';
import type { Labelled } from './linearProbe';

/**
 * `embedding`: P's pooled map of the whole image; `pooled`: the attention pooling's vector of all the image's patches (of
 * a pretraining bundle).
 */
export const FEATURES = ['embedding', 'pooled'] as const;
export type FeatureKind = (typeof FEATURES)[number];

/** The graph that computes them. Only the evaluation graph cuts images into patches. */
const GRAPH: Readonly<Record<FeatureKind, GraphName>> = { embedding: 'encoder', pooled: 'eval' };

/** Images at once where the graph leaves it open. */
const BATCH = 64;

/** Some labelled images of a source. */
export interface Selection {
  readonly spec: string;
  readonly split: Split;
  /** in the source, ascending */
  readonly indices: Int32Array;
  readonly classes: readonly string[];
}

/** What decoding takes besides. */
export interface Decoding extends Pick<BatchOptions, 'broken'> {
  readonly workers?: number;
}

/** Features of the images that could be decoded, and those that could not. */
export interface Features extends Labelled {
  readonly broken: readonly BrokenImage[];
}

/** Throws a UserError where the bundle has no such features; `directory` is for the message. */
export function requireFeatures(manifest: Manifest, kind: FeatureKind, directory: string): void {
  if (manifest.graphs[GRAPH[kind]].outputs.some(({ name }) => name === kind)) return;
  const why =
    kind === 'pooled' && manifest.recipe.task !== 'pretrain'
      ? 'only a pretraining bundle has the attention pooling; use --features embedding'
      : `its ${GRAPH[kind]}.onnx does not give them; build the bundle again`;
  throw new UserError(`--features ${kind}: ${directory}: ${why}`);
}

/** Opens a labelled source for `body`. Throws a UserError for one without labels. */
export async function withLabelled<T>(
  spec: string,
  split: Split,
  body: (source: Source & { readonly classes: readonly string[] }) => T | Promise<T>,
): Promise<T> {
  const source = await openSource(spec, split);
  try {
    const { classes } = source;
    if (classes === null) throw new UserError(`${source.name} has no labels to evaluate an encoder with`);
    return await body(source as typeof source & { classes: typeof classes });
  } finally {
    source.close();
  }
}

/**
 * The features of the selected images, not augmented, in the order of their indices, by the session's present state. Throws
 * a UserError where they are not finite, for a broken image unless those are to be skipped, and where all are broken.
 */
export async function computeFeatures(
  session: StateSession,
  manifest: Manifest,
  kind: FeatureKind,
  { spec, split, indices, classes }: Selection,
  { broken: policy, workers }: Decoding,
): Promise<Features> {
  const graph = GRAPH[kind];
  const contract = manifest.graphs[graph];
  const loader = await createLoader({
    ...batchOptions(manifest, 'evaluate'),
    ...(graph === 'encoder' && { batch: BATCH, patchOrder: undefined }),
    labels: { classes: classes.length },
    spec,
    split,
    indices,
    seed: 0,
    broken: policy,
    workers,
  });
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  const broken: BrokenImage[] = [];
  try {
    const found = outputRows(loader, kind, async (batch) => {
      const feature = (await session.run(graph, batchFeeds(contract, [batch], false))).get(kind);
      if (!feature) throw new Error(`${graph}.onnx gave no ${kind}`);
      return feature;
    });
    for await (const { batch, values } of found) {
      rows.push(values);
      append(labels, Array.from(batch.labels?.subarray(0, batch.valid) ?? [], Number));
      append(broken, batch.broken);
    }
  } finally {
    await loader.close();
  }
  const count = labels.length;
  if (count === 0) throw noneReadable(indices.length, broken);
  const values = joinFloats(rows);
  return { count, width: values.length / count, values, labels: Int32Array.from(labels), broken };
}
