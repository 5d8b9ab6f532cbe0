/**
 * Finetuning: a classifier of whole images, which may start from the pretrained encoder's stages. Its features are the
 * average of the ResNet's map, or, in the paper's hybrid ("ResNet-36 + attention pooling"), what the attention pooling makes
 * of the map's pixels; then both parts may start from pretraining.
 */
import type { Recipe } from '../src/bundle/recipe';
import type { Value } from '../src/graph/value';
import { AttentionPooling } from '../src/nn/attentionPooling';
import type { Context } from '../src/nn/context';
import { Linear } from '../src/nn/layers';
import { RowColumnPosition } from '../src/nn/position';
import { ResNet } from '../src/nn/resnet';
import { add } from '../src/ops/elementwise';
import { globalAveragePool } from '../src/ops/pool';
import { reshape, transpose } from '../src/ops/shape';
import { crossEntropy } from '../src/ops/softmax';
import { normalize } from './images';
import { hits } from './metrics';
import type { Program } from './program';

export function classifier(recipe: Recipe): Program {
  const { network, image, pooling } = recipe;
  const resnet = new ResNet({ ...network, inChannels: image.channels });
  const width = resnet.outChannels;
  const fc = new Linear(width, network.classes);
  const hybrid = network.globalPool === 'attention';
  const attention = hybrid && {
    attention_pooling: new AttentionPooling(width, pooling),
    map_position: new RowColumnPosition(resnet.mapSide(image.size), width),
  };

  /** A map [B, D, H, W] -> [B, D] */
  const pool = (context: Context, map: Value): Value => {
    if (!attention) return globalAveragePool(map);
    const [b, d, h, w] = map.shape;
    const tokens = transpose(reshape(map, [b, d, (h as number) * (w as number)]), [0, 2, 1]);
    const places = context.scope('map_position', () => attention.map_position.apply(context));
    return context.scope('attention_pooling', () =>
      attention.attention_pooling.apply(context, add(tokens, places)),
    );
  };

  const infer = (context: Context, images: Value) => {
    const map = resnet.apply(context, normalize(images, image, context.dtype));
    const embedding = pool(context, map);
    return { embedding, logits: context.scope('fc', () => fc.apply(context, embedding)) };
  };

  return {
    modules: [resnet, { ...(attention || {}), fc }],
    batchInputs: [
      { name: 'images', dtype: 'uint8', shape: [image.size, image.size, image.channels] },
      { name: 'labels', dtype: 'int64', shape: [] },
    ],
    usesDropout: hybrid && pooling.dropout > 0,

    forward(context, { images, labels }) {
      const predictions = infer(context, images);
      const { logits } = predictions;
      return context.scope('loss', () => ({
        loss: crossEntropy(logits, labels),
        metrics: {
          accuracy: hits(logits, labels, 1),
          accuracy_top5: hits(logits, labels, 5),
        },
        predictions,
      }));
    },

    infer,
  };
}
