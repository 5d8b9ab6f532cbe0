/** `manifest.json`: the contract between a bundle of training graphs and whatever runs it. */
import { z } from 'zod';
import { PROVIDERS } from '../base/providers';
import { recipeSchema } from './recipe';

/**
 * What a graph's input or output is for. Names within a role are fixed, so that a trainer needs nothing but them:
 * - `batch`: `images` uint8 [B, H, W, C], uint16 where image.bits is 16; `labels` int64 [B]; `patch_order` int64 [B, n], per image a permutation of
 *   the n patches (row-major in the grid), the visible ones first and the hidden ones last. Consistency training:
 *   `unlabelled_weak` and `unlabelled_strong` [ratio B, H, W, C], the same images under two augmentations.
 * - `random`: `dropout_seed` int64 [], in [0, 2^31), a fresh one each step; `mixup_weight` float32 [] ~ Beta(a, a) with
 *   a = regularize.mixup.
 * - `hyper`: `learning_rate` float32 []; `average_decay` float32 [], of the moving average after s steps
 *   min(average.decay, (1 + s) / (10 + s)).
 * - `state`: parameters, batch-norm statistics, optimizer state, moving averages. The output that follows input x is
 *   `next.x`. Where the recipe averages, `eval.onnx` and `encoder.onnx` take `ema.x` in place of x.
 * - `metric`: `loss`, `accuracy`, (`accuracy_top5`, `gradient_norm`, `skipped`; with consistency training
 *   `supervised_loss`, `consistency_loss`, `confident`): scalars in training graphs, [B] (one
 *   value an example) in `eval.onnx`; with a leading K in `train-loop.onnx`. `skipped` is 1 where the gradients were not
 *   finite and the state stays as it was but for the loss scale, else 0; only with `compute: float16`.
 * - `gradient`: `grad.x` for parameter x, times the state `optim.loss_scale` where there is one.
 * - `prediction`: `logits` float32 [B, classes], in `eval.onnx` of pretraining [B, hidden, hidden]: the score of each hidden
 *   patch (last axis) at each hidden place, both in the order of `patch_order`; `embedding` float32 [B, features], of whole
 *   images; `pooled` float32 [B, features], the attention pooling's vector of all patches of an image (pretraining's
 *   `eval.onnx`).
 */
export const ROLES = ['batch', 'random', 'hyper', 'state', 'metric', 'gradient', 'prediction'] as const;
export type Role = (typeof ROLES)[number];

const portSchema = z.strictObject({
  name: z.string(),
  dtype: z.enum(['float32', 'int64', 'uint8', 'uint16']),
  shape: z.array(z.union([z.number().int().nonnegative(), z.string()])),
  role: z.enum(ROLES),
  /** For a state output: the state input whose place it takes in the next step. */
  replaces: z.string().optional(),
});
export type Port = z.infer<typeof portSchema>;

const graphSchema = z.strictObject({
  file: z.string(),
  inputs: z.array(portSchema),
  outputs: z.array(portSchema),
});
export type GraphContract = z.infer<typeof graphSchema>;

/** State `ema.x` is the moving average of state x. */
export const AVERAGE = 'ema.';
/** `average`: of the parameter or buffer whose name follows `ema.` */
export const STATE_KINDS = ['parameter', 'buffer', 'optimizer', 'average'] as const;

const stateSchema = z.strictObject({
  name: z.string(),
  dtype: z.enum(['float32', 'int64', 'uint8']),
  shape: z.array(z.number().int().nonnegative()),
  kind: z.enum(STATE_KINDS),
  /**
   * The piece of the network this belongs to (`stem`, `layer1`, `norm-after-layer3`, `fc`, `attention_pooling`,
   * `position`). Two states are the same thing only where both name and part agree: the final norm of a three-stage
   * encoder is not the final norm of a four-stage classifier although both are called `norm.weight`.
   */
  part: z.string(),
});
export type StateEntry = z.infer<typeof stateSchema>;

export const GRAPH_NAMES = ['train', 'train-loop', 'grad', 'apply', 'eval', 'encoder'] as const;
export type GraphName = (typeof GRAPH_NAMES)[number];

export const manifestSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** name and version of the program that wrote the bundle */
  producer: z.string(),
  recipeName: z.string(),
  recipe: recipeSchema,
  /** provider the graphs were lowered for */
  provider: z.enum(PROVIDERS),
  opset: z.number().int(),
  initialState: z.string(),
  state: z.array(stateSchema),
  /** trainable parameters by element */
  parameters: z.number().int(),
  /** multiply-adds of one training step (forward, backward), matrix products and convolutions only */
  multiplyAdds: z.number(),
  graphs: z.strictObject({
    train: graphSchema,
    'train-loop': graphSchema,
    grad: graphSchema,
    apply: graphSchema,
    eval: graphSchema,
    encoder: graphSchema,
  }),
});
export type Manifest = z.infer<typeof manifestSchema>;
