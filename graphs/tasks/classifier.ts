/**
 * Finetuning: a classifier of whole images, which may start from the pretrained encoder's stages. Its features are the
 * average of the ResNet's map, or those of the paper's hybrid.
 */
import { imageDims, imageShape } from '../../src/bundle/imageShape';
import type { Recipe } from '../../src/bundle/recipe';
import type { Value } from '../../src/graph/graph';
import type { Context } from '../../src/nn/context';
import { normalize } from '../../src/nn/images';
import { Linear } from '../../src/nn/layers';
import { ResNet } from '../../src/nn/resnet';
import { add, cast, mul } from '../../src/ops/elementwise';
import { globalAveragePool } from '../../src/ops/pool';
import { reduceMean } from '../../src/ops/reduce';
import { reshape } from '../../src/ops/shape';
import { crossEntropy } from '../../src/ops/softmax';
import { pixelType } from '../../src/tensors/pixels';
import { consistencyLoss } from './consistency';
import { hybrid, type Embedder } from './hybrid';
import { hits } from './metrics';
import { mix, mixOver } from './mixup';
import type { ExampleResult, Program } from '../../src/compile/task';

type Batch = Readonly<Record<string, Value>>;

export function classifier(recipe: Recipe): Program {
  const { network, image, pooling } = recipe;
  const pixels = pixelType(imageShape(image).bits);
  const resnet = new ResNet({ ...network, inChannels: image.channels });
  const fc = new Linear(resnet.outChannels, network.classes);
  const isHybrid = network.globalPool === 'attention';
  const { modules, embed }: Embedder = isHybrid
    ? hybrid(recipe, resnet)
    : {
        modules: {},
        embed(context, images) {
          const map = resnet.apply(context, images);
          return { embedding: globalAveragePool(map), map };
        },
      };

  /** Normalized images [B, C, H, W] -> embedding [B, D], logits [B, K] */
  const infer = (context: Context, pixels: Value) => {
    const { embedding, map } = embed(context, pixels);
    return { outputs: { embedding, logits: context.scope('fc', () => fc.apply(context, embedding)) }, map };
  };
  /** images of pixels [B, H, W, C] */
  const classify = (context: Context, images: Value) =>
    infer(context, normalize(images, image, context.dtype)).outputs;

  const { labelSmoothing, mixup } = recipe.regularize;
  const measured = (logits: Value, over: (measure: (labels: Value) => Value) => Value) => ({
    accuracy: over((labels) => hits(logits, labels, 1)),
    accuracy_top5: over((labels) => hits(logits, labels, 5)),
  });

  /** Training on labelled images alone. */
  const supervised = (context: Context, { images, labels, mixup_weight }: Batch): ExampleResult => {
    const plain = normalize(images, image, context.dtype);
    const weight = mixup > 0 ? cast(mixup_weight, context.dtype) : null;
    const mixed = weight ? context.scope('mixup', () => mix(plain, weight)) : plain;
    const { logits } = infer(context, mixed).outputs;
    const over = (measure: (labels: Value) => Value) =>
      weight ? mixOver(labels, weight, measure) : measure(labels);
    return context.scope('loss', () => ({
      loss: over((own) => crossEntropy(logits, own, labelSmoothing)),
      metrics: measured(logits, over),
      predictions: {},
    }));
  };

  /**
   * Labelled, weakly and strongly augmented images each in a pass of its own, by its own statistics: normalized together with
   * strong ones, labelled images are answered otherwise than weak ones, and the network agrees with itself on nonsense. The
   * running statistics follow the labelled images, which look like those of evaluation.
   */
  const consistent = (context: Context, batch: Batch): ExampleResult => {
    const { images, labels, unlabelled_weak: weak, unlabelled_strong: strong } = batch;
    const { ratio, weight } = recipe.consistency;
    const aside = (name: string, unlabelled: Value) =>
      context.scope(name, () => context.withoutUpdates(() => classify(context, unlabelled).logits));
    const weakLogits = aside('weak', weak);
    const { logits } = classify(context, images);
    const strongLogits = aside('strong', strong);
    return context.scope('loss', () => {
      const supervised = crossEntropy(logits, labels, labelSmoothing);
      const unlabelled = consistencyLoss(weakLogits, strongLogits, recipe.consistency);
      const perExample = (value: Value) => reduceMean(reshape(value, [recipe.batch, ratio]), [1]);
      const consistency = perExample(unlabelled.loss);
      return {
        loss: add(supervised, mul(consistency, weight)),
        metrics: {
          ...measured(logits, (measure) => measure(labels)),
          supervised_loss: supervised,
          consistency_loss: consistency,
          confident: perExample(unlabelled.confident),
        },
        predictions: {},
      };
    });
  };

  const isConsistent = recipe.consistency.ratio > 0;
  const unlabelled = (name: 'unlabelled_weak' | 'unlabelled_strong') => ({
    name,
    dtype: pixels,
    shape: imageDims(image),
    ratio: recipe.consistency.ratio,
  });
  return {
    modules: [resnet, { ...modules, fc }],
    batchInputs: [
      { name: 'images', dtype: pixels, shape: imageDims(image) },
      { name: 'labels', dtype: 'int64', shape: [] },
    ],
    trainingInputs: isConsistent ? [unlabelled('unlabelled_weak'), unlabelled('unlabelled_strong')] : [],
    usesDropout: isHybrid && pooling.dropout > 0,
    usesMixup: mixup > 0,

    forward(context, batch) {
      if (context.training) return (isConsistent ? consistent : supervised)(context, batch);
      const { images, labels } = batch;
      const predictions = classify(context, images);
      return context.scope('loss', () => ({
        loss: crossEntropy(predictions.logits, labels),
        metrics: measured(predictions.logits, (measure) => measure(labels)),
        predictions,
      }));
    },

    infer,
  };
}
