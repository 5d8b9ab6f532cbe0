/** Post-norm Transformer encoder; names and layouts of torch.nn.TransformerEncoderLayer. */
import type { Value } from '../graph/graph';
import { gelu } from '../ops/activation';
import { add, mul } from '../ops/elementwise';
import { matmul, swapLast } from '../ops/matmul';
import { reshape, slice, transpose } from '../ops/shape';
import { softmax } from '../ops/softmax';
import type { Context } from './context';
import { dropout } from './dropout';
import { affine, LayerNorm, Linear } from './layers';
import { Parameter } from './state';

/** Self-attention; in_proj stacks query, key and value projections [3 D, D] ~ Xavier uniform, biases 0, as PyTorch. */
export class MultiheadAttention {
  readonly in_proj_weight: Parameter;
  readonly in_proj_bias: Parameter;
  readonly out_proj: Linear;

  constructor(
    width: number,
    private readonly heads: number,
  ) {
    if (width % heads !== 0) throw new Error(`${heads} heads do not divide a width of ${width}`);
    this.in_proj_weight = new Parameter([3 * width, width], {
      kind: 'uniform',
      bound: Math.sqrt(6 / (4 * width)),
    });
    this.in_proj_bias = new Parameter([3 * width], { kind: 'constant', value: 0 });
    this.out_proj = new Linear(width, width, { kind: 'constant', value: 0 });
  }

  /** x [B, T, D] -> [B, queries, D]: what the first `queries` tokens gather from all. */
  apply(context: Context, x: Value, queries: number, dropoutRate: number): Value {
    const [b, t, d] = x.shape as number[];
    const weight = context.value(this.in_proj_weight);
    const bias = context.value(this.in_proj_bias);
    const head = d / this.heads;
    const project = (tokens: Value, from: number, to: number) => {
      const count = tokens.shape[1] as number;
      const y = affine(tokens, slice(weight, 0, from * d, to * d), slice(bias, 0, from * d, to * d));
      // [parts, B, heads, tokens, head]
      const split = transpose(reshape(y, [b, count, to - from, this.heads, head]), [2, 0, 3, 1, 4]);
      return (part: number) =>
        reshape(slice(split, 0, part - from, part - from + 1), [b, this.heads, count, head]);
    };
    const all = queries === t;
    const keysAndValues = project(x, all ? 0 : 1, 3);
    const q = all ? keysAndValues(0) : project(slice(x, 1, 0, queries), 0, 1)(0);
    const scores = matmul(mul(q, 1 / Math.sqrt(head)), swapLast(keysAndValues(1)));
    const attended = matmul(dropout(context, softmax(scores), dropoutRate), keysAndValues(2));
    const merged = reshape(transpose(attended, [0, 2, 1, 3]), [b, queries, d]);
    return context.scope('out_proj', () => this.out_proj.apply(context, merged));
  }
}

export interface EncoderLayerOptions {
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  /** on the attention weights and before each residual sum (paper, "likely") */
  readonly dropout: number;
}

/** x -> norm1(x + attention(x)) -> norm2(x + feed-forward(x)) with GELU. */
export class TransformerEncoderLayer {
  readonly self_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  private readonly dropoutRate: number;

  constructor({ width, heads, feedForward, dropout: rate }: EncoderLayerOptions) {
    this.self_attn = new MultiheadAttention(width, heads);
    this.linear1 = new Linear(width, feedForward);
    this.linear2 = new Linear(feedForward, width);
    this.norm1 = new LayerNorm(width);
    this.norm2 = new LayerNorm(width);
    this.dropoutRate = rate;
  }

  /** x [B, T, D] -> [B, queries, D]; with `queries` < T only the first tokens are computed, the rest only attended to. */
  apply(context: Context, x: Value, queries = x.shape[1] as number): Value {
    const rate = this.dropoutRate;
    const attended = context.scope('self_attn', () => this.self_attn.apply(context, x, queries, rate));
    const residual = add(slice(x, 1, 0, queries), dropout(context, attended, rate));
    const first = context.scope('norm1', () => this.norm1.apply(context, residual));
    const hidden = gelu(context.scope('linear1', () => this.linear1.apply(context, first)));
    const second = context.scope('linear2', () => this.linear2.apply(context, hidden));
    return context.scope('norm2', () =>
      this.norm2.apply(context, add(first, dropout(context, second, rate))),
    );
  }
}
