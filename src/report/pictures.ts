/** The pictures of one run's network at work: hidden patches, neighbours, map, confusion matrix. Each comes as SVG. */
import { imageLength, imageShape } from '../bundle/imageShape';
import type { Manifest } from '../bundle/manifest';
import { confusionMatrix, confusionSpec, mostConfused } from './confusion';
import { mapSpec } from './embeddingMap';
import { imageRows, type RowImage } from '../draw/imageRows';
import { argmax, nearestRows, unitRows, type Rows } from '../tensors/rows';
import { shownPixels } from '../tensors/shownPixels';
import { patchPicture } from '../draw/patchPicture';
import { patchTask } from '../draw/patches';
import { principalComponents, type Projection } from '../draw/pca';
import { pixelsUri } from '../draw/png';
import { spread } from '../data/batches/sampler';
import type { Predictions } from '../evaluation/predictions';
import { renderChart } from '../draw/vega';

/** Image `i` as a picture shows it: uint8 [height, width, channels]. */
function imageOf({ recipe: { image } }: Manifest, { images }: Predictions, i: number) {
  const { width, height, channels } = imageShape(image);
  const length = imageLength(image);
  return { width, height, ...shownPixels(images.subarray(i * length, (i + 1) * length), channels) };
}

function classOf({ labels, classes }: Predictions, i: number): string {
  if (!labels) return '';
  return classes?.[labels[i]] ?? String(labels[i]);
}

/** The patch task of `count` images, evenly spread; none where the graph gives no scores. */
export async function patchPictures(
  manifest: Manifest,
  predictions: Predictions,
  count: number,
): Promise<string[]> {
  const { patchOrder, logits, indices, split } = predictions;
  if (!patchOrder || !logits) return [];
  const { patch } = manifest.recipe;
  const scores = logits.length / indices.length;
  const places = patchOrder.length / indices.length;
  const chosen = Array.from(spread(indices.length, count));
  return Promise.all(
    chosen.map((i) => {
      const { width, height, channels, pixels } = imageOf(manifest, predictions, i);
      const task = patchTask({
        ...{ width, height, channels, patch: patch.size },
        image: pixels,
        order: patchOrder.subarray(i * places, (i + 1) * places),
        logits: logits.subarray(i * scores, (i + 1) * scores),
      });
      const name = classOf(predictions, i);
      const part = { train: 'train', test: 'test', all: '', validation: 'train' }[split];
      const which = `Image ${indices[i]}${part === '' ? '' : ` of the ${part} split`}`;
      return patchPicture(task, name === '' ? which : `${which}: ${name}`, pixelsUri);
    }),
  );
}

/** The embeddings, of unit length; null where the graph gives none. */
export const unitsOf = ({ embedding, indices: { length } }: Predictions): Rows | null =>
  embedding && unitRows({ count: length, width: embedding.length / length, values: embedding });

const NEIGHBOURS = 8;

/** Rows of an image and its nearest neighbours; `queries` images, evenly spread. */
export async function neighbourPicture(
  manifest: Manifest,
  predictions: Predictions,
  units: Rows,
  queries: number,
): Promise<string> {
  const { labels, indices } = predictions;
  const show = async (i: number, query: number): Promise<RowImage> => {
    const { width, height, channels, pixels } = imageOf(manifest, predictions, i);
    return {
      uri: await pixelsUri(pixels, width, height, channels, 144),
      caption: classOf(predictions, i),
      match: labels ? labels[i] === labels[query] : null,
    };
  };
  const rows = await Promise.all(
    Array.from(spread(indices.length, queries)).map((query) => {
      const others = nearestRows(units, query, NEIGHBOURS).map(({ index }) => index);
      return Promise.all([query, ...others].map((i) => show(i, query)));
    }),
  );
  return imageRows(rows, 'Images and their nearest neighbours by cosine of the embeddings');
}

export async function mapPicture(
  { labels, classes }: Predictions,
  units: Rows,
): Promise<{ svg: string; projection: Projection }> {
  const projection = principalComponents(units, 2);
  const { coordinates, explained } = projection;
  return { svg: await renderChart(mapSpec(coordinates, explained, labels, classes)), projection };
}

export interface Confusion {
  readonly counts: Int32Array;
  readonly names: readonly string[];
  /** classes in the picture */
  readonly shown: number;
  readonly svg: string;
}

/** Null where no classes are predicted or known. */
export async function confusionPicture(
  manifest: Manifest,
  predictions: Predictions,
): Promise<Confusion | null> {
  const { labels, logits, classes, patchOrder } = predictions;
  if (!labels || !logits || patchOrder) return null;
  const count = manifest.recipe.network.classes;
  const predicted = Int32Array.from(labels, (_, i) => {
    return argmax(logits.subarray(i * count, (i + 1) * count));
  });
  const names = Array.from({ length: count }, (_, label) => classes?.[label] ?? String(label));
  const counts = confusionMatrix(labels, predicted, count);
  const shown = mostConfused(counts, count);
  return { counts, names, shown: shown.length, svg: await renderChart(confusionSpec(counts, names, shown)) };
}
