/**
 * The paper's hybrid ("ResNet-36 + attention pooling"): what the attention pooling makes of the pixels of the encoder's map of
 * the whole image, or of the image's patches, each encoded alone as in pretraining. Both parts may start pretrained.
 */
import { mapGrid, patchCounts } from '../../src/bundle/checkRecipe';
import type { Recipe } from '../../src/bundle/recipe';
import type { Dim } from '../../src/onnx/model';
import type { Value } from '../../src/graph/graph';
import { AttentionPooling } from '../../src/nn/attentionPooling';
import type { Context } from '../../src/nn/context';
import { createPosition, RowColumnPosition } from '../../src/nn/position';
import type { ResNet } from '../../src/nn/resnet';
import type { Module } from '../../src/nn/state';
import { add } from '../../src/ops/elementwise';
import { globalAveragePool } from '../../src/ops/pool';
import { reshape, transpose } from '../../src/ops/shape';
import { allPatches } from './patches';

export interface Embedder {
  /** besides the encoder's */
  readonly modules: Module;
  /** Normalized images [B, C, H, W] -> [B, D], and the map [B, D, h, w] where it is the average of one. */
  readonly embed: (context: Context, images: Value) => { readonly embedding: Value; readonly map?: Value };
}

export function hybrid(recipe: Recipe, encoder: ResNet): Embedder {
  return recipe.network.tokens === 'map' ? mapTokens(recipe, encoder) : patchTokens(recipe, encoder);
}

function mapTokens({ image, network, pooling }: Recipe, encoder: ResNet): Embedder {
  const width = encoder.outChannels;
  const modules = {
    attention_pooling: new AttentionPooling(width, pooling),
    map_position: new RowColumnPosition(mapGrid(network, image), width),
  };
  return {
    modules,
    embed(context, images) {
      const map = encoder.apply(context, images);
      const [b, d, h, w] = map.shape as [Dim, number, number, number];
      const tokens = transpose(reshape(map, [b, d, h * w]), [0, 2, 1]);
      const places = context.scope('map_position', () => modules.map_position.apply(context));
      const placed = add(tokens, places);
      const pool = () => modules.attention_pooling.apply(context, placed);
      return { embedding: context.scope('attention_pooling', pool) };
    },
  };
}

/** All patches, row-major, as pretraining's visible ones are: with its positions where these have them. */
function patchTokens(recipe: Recipe, encoder: ResNet): Embedder {
  const width = encoder.outChannels;
  const { grid, patches } = patchCounts(recipe);
  const attentionPooling = new AttentionPooling(width, recipe.pooling);
  const position = recipe.position.onVisible ? createPosition(recipe.position.kind, grid, width) : null;
  return {
    modules: { attention_pooling: attentionPooling, ...(position && { position }) },
    embed(context, images) {
      const cut = context.scope('patches', () => allPatches(images, recipe));
      const features = globalAveragePool(encoder.apply(context, cut));
      const tokens = reshape(features, [images.shape[0], patches, width]);
      const placed = position
        ? add(
            tokens,
            context.scope('position', () => position.apply(context)),
          )
        : tokens;
      return {
        embedding: context.scope('attention_pooling', () => attentionPooling.apply(context, placed)),
      };
    },
  };
}
