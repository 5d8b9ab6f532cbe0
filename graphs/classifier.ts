/** Finetuning: a ResNet classifier on whole images, which may start from the pretrained encoder's stages. */
import type { Recipe } from '../src/bundle/recipe';
import type { Value } from '../src/graph/value';
import type { Context } from '../src/nn/context';
import { Linear } from '../src/nn/layers';
import { ResNet } from '../src/nn/resnet';
import { globalAveragePool } from '../src/ops/pool';
import { crossEntropy } from '../src/ops/softmax';
import { normalize } from './images';
import { hits } from './metrics';
import type { Program } from './program';

export function classifier(recipe: Recipe): Program {
  const { network, image } = recipe;
  const resnet = new ResNet({ ...network, inChannels: image.channels });
  const fc = new Linear(resnet.outChannels, network.classes);

  const infer = (context: Context, images: Value) => {
    const map = resnet.apply(context, normalize(images, image, context.dtype));
    const embedding = globalAveragePool(map);
    return { embedding, logits: context.scope('fc', () => fc.apply(context, embedding)) };
  };

  return {
    modules: [resnet, { fc }],
    batchInputs: [
      { name: 'images', dtype: 'uint8', shape: [image.size, image.size, image.channels] },
      { name: 'labels', dtype: 'int64', shape: [] },
    ],
    usesDropout: false,

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
