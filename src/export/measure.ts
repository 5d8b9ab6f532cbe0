/** How good an exported model is, on images: alone, and beside the same network in float32. */
import { encodeModel } from '../onnx/encode';
import type { OnnxModel } from '../onnx/model';
import type { Recipe } from '../bundle/recipe';
import { createModelSession } from '../runtime/session';
import { runModel, SETTINGS } from './compare';
import { OUTPUT_OF, type ExportForm } from './form';
import { asInput, type Samples } from './samples';

/** `test images of cifar10` */
export const imagesOf = ({ data, split }: Pick<Measurement, 'data' | 'split'>): string =>
  `${split === 'all' ? '' : `${split} `}images of ${data}`;

export interface Measurement {
  readonly images: number;
  /** what they are of, as it may be published */
  readonly data: string;
  readonly split: Samples['split'];
  /** share of the images whose largest logit is the label's; null: no labels, or no classifier */
  readonly accuracy: number | null;
  /** accuracy of the same network in float32; null as above, and where it is float32 itself */
  readonly float32Accuracy: number | null;
  /** mean cosine between this model's embeddings and float32's; null for classifiers, and where it is float32 itself */
  readonly cosine: number | null;
}

/** `exact`: the same network in float32; null where `model` is that. */
export async function measure(
  model: OnnxModel,
  exact: OnnxModel | null,
  { images, labels, data, split }: Samples,
  { kind, input }: ExportForm,
  image: Recipe['image'],
): Promise<Measurement> {
  const outputs = async (each: OnnxModel) => {
    const session = await createModelSession('the exported model', encodeModel(each), SETTINGS);
    try {
      return await runModel(session, asInput(images, input, image), OUTPUT_OF[kind]);
    } finally {
      await session.release();
    }
  };
  const found = await outputs(model);
  const wanted = exact && (await outputs(exact));
  const truth = kind === 'classifier' ? labels : null;
  return {
    images: images.shape[0],
    data,
    split,
    accuracy: truth && top1(found, truth),
    float32Accuracy: truth && wanted && top1(wanted, truth),
    cosine: kind === 'encoder' && wanted ? meanCosine(found, wanted, images.shape[0]) : null,
  };
}

function top1(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  const right = labels.filter((label, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b))) === label;
  });
  return right.length / labels.length;
}

function meanCosine(a: Float32Array, b: Float32Array, count: number): number {
  const width = a.length / count;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let [dot, aa, bb] = [0, 1e-30, 1e-30];
    for (let j = i * width; j < (i + 1) * width; j++) {
      dot += a[j] * b[j];
      aa += a[j] ** 2;
      bb += b[j] ** 2;
    }
    sum += dot / Math.sqrt(aa * bb);
  }
  return sum / count;
}
