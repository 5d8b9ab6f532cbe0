/**
 * Pretraining: patch encoder P, attention pooling A, positions, and the loss that asks which hidden patch belongs to which
 * place. (Selfie, arXiv:1906.02940; docstrings say "paper" for it.)
 */
import { patchCounts } from '../../src/bundle/checkRecipe';
import { imageDims, imageShape } from '../../src/bundle/imageShape';
import type { Recipe } from '../../src/bundle/recipe';
import type { Value } from '../../src/graph/graph';
import { AttentionPooling } from '../../src/nn/attentionPooling';
import type { Context } from '../../src/nn/context';
import { normalize } from '../../src/nn/images';
import { createPosition } from '../../src/nn/position';
import { ResNet } from '../../src/nn/resnet';
import { add, mul } from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';
import { matmul, swapLast } from '../../src/ops/matmul';
import { globalAveragePool } from '../../src/ops/pool';
import { reduceMean } from '../../src/ops/reduce';
import { reshape, slice } from '../../src/ops/shape';
import { crossEntropy } from '../../src/ops/softmax';
import { pixelType } from '../../src/tensors/pixels';
import { cutPatches } from './patches';
import { hits } from './metrics';
import type { Program } from '../../src/compile/task';

export function selfie(recipe: Recipe): Program {
  const { network, image, pooling } = recipe;
  const encoder = new ResNet({ ...network, inChannels: image.channels });
  const width = encoder.outChannels;
  const { grid: side, patches: total, hidden, visible } = patchCounts(recipe);
  const position = createPosition(recipe.position.kind, side, width);
  const attentionPooling = new AttentionPooling(width, pooling);

  const encode = (context: Context, images: Value) =>
    globalAveragePool(encoder.apply(context, normalize(images, image, context.dtype)));

  return {
    modules: [encoder, { attention_pooling: attentionPooling, position }],
    batchInputs: [
      { name: 'images', dtype: pixelType(imageShape(image).bits), shape: imageDims(image) },
      { name: 'patch_order', dtype: 'int64', shape: [total] },
    ],
    usesDropout: pooling.dropout > 0,

    forward(context, { images, patch_order: order }) {
      const b = images.shape[0] as number;
      const patches = context.scope('patches', () => cutPatches(images, order, recipe));
      // One pass over visible and hidden patches, so that batch norm sees them all (paper: likely).
      const features = reshape(encode(context, patches), [b, total, width]);
      const places = context.scope('position', () => gather(position.apply(context), order));
      const candidates = slice(features, 1, visible, total);
      let tokens = slice(features, 1, 0, visible);
      if (recipe.position.onVisible) tokens = add(tokens, slice(places, 1, 0, visible));
      const pool = (x: Value) => context.scope('attention_pooling', () => attentionPooling.apply(context, x));
      const u = pool(tokens);

      /**
       * What evaluators make of an image: P's pooled map of the whole of it, as the exported encoder computes it, and A's
       * vector of all its patches, hidden or not.
       */
      const frozen = () => ({
        embedding: encode(context, images),
        pooled: pool(recipe.position.onVisible ? add(features, places) : features),
      });

      // Query of place t: v_t = u + position(t); the candidates carry no position, which would give the answer away.
      return context.scope('loss', () => {
        const queries = add(reshape(u, [b, 1, width]), slice(places, 1, visible, total));
        const scale = pooling.scaleLogits ? 1 / Math.sqrt(width) : 1;
        const logits = mul(matmul(queries, swapLast(candidates)), scale);
        const flat = reshape(logits, [b * hidden, hidden]);
        const targets = context.graph.constant(
          'int64',
          [b * hidden],
          Array.from({ length: b * hidden }, (_, i) => i % hidden),
        );
        const perExample = (value: Value) => reduceMean(reshape(value, [b, hidden]), [1]);
        return {
          loss: perExample(crossEntropy(flat, targets)),
          metrics: { accuracy: perExample(hits(flat, targets, 1)) },
          predictions: context.training ? {} : { logits, ...frozen() },
        };
      });
    },

    infer(context, pixels) {
      const map = encoder.apply(context, pixels);
      return { outputs: { embedding: globalAveragePool(map) }, map };
    },
  };
}
