/** A: one vector from a set of tokens, by a Transformer with a learned token in front (paper: sure). */
import type { Value } from '../graph/graph';
import type { Dim } from '../onnx/model';
import { add, mul } from '../ops/elementwise';
import { concat, expand, reshape, slice } from '../ops/shape';
import type { Context } from './context';
import { TOKEN_INIT } from './position';
import { Parameter } from './state';
import { TransformerEncoderLayer } from './transformer';

export interface AttentionPoolingOptions {
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly dropout: number;
}

/** [u, h'_1 .. h'_n] = Transformer(u0, h_1 .. h_n); u is kept. */
export class AttentionPooling {
  readonly u0: Parameter;
  readonly layers: readonly TransformerEncoderLayer[];

  constructor(width: number, { layers, heads, feedForward, dropout }: AttentionPoolingOptions) {
    this.u0 = new Parameter([width], TOKEN_INIT, false);
    this.layers = Array.from(
      { length: layers },
      () => new TransformerEncoderLayer({ width, heads, feedForward, dropout }),
    );
  }

  /** Tokens [B, T, D] -> u [B, D]. The last block computes u alone: nothing reads its other tokens. */
  apply(context: Context, tokens: Value): Value {
    const [b, , d] = tokens.shape as [Dim, number, number];
    const u0 = reshape(context.value(this.u0), [1, 1, d]);
    // How often to repeat u0 is known from a token where the batch has no size yet.
    const first = typeof b === 'number' ? expand(u0, [b, 1, d]) : add(mul(slice(tokens, 1, 0, 1), 0), u0);
    let x = concat([first, tokens], 1);
    this.layers.forEach((layer, i) => {
      const last = i === this.layers.length - 1;
      x = context.scope(`layers/${i}`, () => layer.apply(context, x, last ? 1 : undefined));
    });
    return reshape(x, [b, d]);
  }
}
