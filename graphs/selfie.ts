/**
 * Pretraining: patch encoder P, attention pooling A, positions, and the loss that asks which hidden patch belongs to which
 * place. (Selfie, arXiv:1906.02940; docstrings say "paper" for it.)
 */
import { patchCounts } from '../src/bundle/checkRecipe';
import type { Recipe } from '../src/bundle/recipe';
import type { Value } from '../src/graph/value';
import type { Context } from '../src/nn/context';
import { ResNet } from '../src/nn/resnet';
import { Parameter } from '../src/nn/state';
import { TransformerEncoderLayer } from '../src/nn/transformer';
import { add, mul } from '../src/ops/elementwise';
import { gather } from '../src/ops/gather';
import { matmul, swapLast } from '../src/ops/matmul';
import { globalAveragePool } from '../src/ops/pool';
import { reduceMean } from '../src/ops/reduce';
import { concat, expand, reshape, slice } from '../src/ops/shape';
import { crossEntropy } from '../src/ops/softmax';
import { cutPatches, normalize } from './images';
import { hits } from './metrics';
import type { Program } from './program';

/** u0 and positions start as N(0, 0.02). */
const TOKEN_INIT = { kind: 'normal', std: 0.02 } as const;

/** A: [u, h'_1 .. h'_n] = Transformer(u0, h_1 .. h_n); u is kept (paper: sure). */
class AttentionPooling {
  readonly u0: Parameter;
  readonly layers: readonly TransformerEncoderLayer[];

  constructor(width: number, { layers, heads, feedForward, dropout }: Recipe['pooling']) {
    this.u0 = new Parameter([width], TOKEN_INIT, false);
    this.layers = Array.from(
      { length: layers },
      () => new TransformerEncoderLayer({ width, heads, feedForward, dropout }),
    );
  }

  /** Tokens [B, T, D] -> u [B, D]. The last block computes u alone: nothing reads its other tokens. */
  apply(context: Context, tokens: Value): Value {
    const [b, , d] = tokens.shape as number[];
    let x = concat([expand(reshape(context.value(this.u0), [1, 1, d]), [b, 1, d]), tokens], 1);
    this.layers.forEach((layer, i) => {
      const last = i === this.layers.length - 1;
      x = context.scope(`layers/${i}`, () => layer.apply(context, x, last ? 1 : undefined));
    });
    return reshape(x, [b, d]);
  }
}

/** One learned vector a place. */
class TablePosition {
  readonly embedding: Parameter;

  constructor(places: number, width: number) {
    this.embedding = new Parameter([places, width], TOKEN_INIT, false);
  }

  /** [places, D] */
  apply(context: Context): Value {
    return context.value(this.embedding);
  }
}

/** A learned vector a row plus one a column. */
class RowColumnPosition {
  readonly row: Parameter;
  readonly column: Parameter;

  constructor(
    private readonly side: number,
    private readonly width: number,
  ) {
    this.row = new Parameter([side, width], TOKEN_INIT, false);
    this.column = new Parameter([side, width], TOKEN_INIT, false);
  }

  /** [side * side, D], row-major */
  apply(context: Context): Value {
    const { side, width } = this;
    const rows = reshape(context.value(this.row), [side, 1, width]);
    const columns = reshape(context.value(this.column), [1, side, width]);
    return reshape(add(rows, columns), [side * side, width]);
  }
}

export function selfie(recipe: Recipe): Program {
  const { network, image, pooling } = recipe;
  const encoder = new ResNet({ ...network, inChannels: image.channels });
  const width = encoder.outChannels;
  const { grid: side, patches: total, hidden, visible } = patchCounts(recipe);
  const position =
    recipe.position.kind === 'table'
      ? new TablePosition(side * side, width)
      : new RowColumnPosition(side, width);
  const attentionPooling = new AttentionPooling(width, pooling);

  const encode = (context: Context, images: Value) =>
    globalAveragePool(encoder.apply(context, normalize(images, image, context.dtype)));

  return {
    modules: [encoder, { attention_pooling: attentionPooling, position }],
    batchInputs: [
      { name: 'images', dtype: 'uint8', shape: [image.size, image.size, image.channels] },
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
      const u = context.scope('attention_pooling', () => attentionPooling.apply(context, tokens));

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
          // Of the whole images, as the exported encoder computes it; a training graph has no use for it and drops it.
          predictions: { logits, embedding: context.training ? u : encode(context, images) },
        };
      });
    },

    infer: (context, images) => ({ embedding: encode(context, images) }),
  };
}
