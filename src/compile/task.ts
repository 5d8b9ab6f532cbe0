/** What a task gives to the bundle writer: its state, its batch, its forward pass and its inference. */
import type { Recipe } from '../bundle/recipe';
import type { Context } from '../nn/context';
import type { Module } from '../nn/state';
import type { Value } from '../graph/graph';

export interface BatchInput {
  readonly name: 'images' | 'labels' | 'patch_order' | 'unlabelled_weak' | 'unlabelled_strong';
  readonly dtype: 'uint8' | 'uint16' | 'int64';
  /** without the batch axis */
  readonly shape: readonly number[];
  /** rows for each example of the batch, default 1 */
  readonly ratio?: number;
}

/** Results of each example [B]; a training graph puts out their means. */
export interface ExampleResult {
  readonly loss: Value;
  readonly metrics: Readonly<Record<string, Value>>;
  readonly predictions: Readonly<Record<string, Value>>;
}

export interface Program {
  /** their state together, under the names of their fields */
  readonly modules: readonly Module[];
  readonly batchInputs: readonly BatchInput[];
  /** of training graphs alone */
  readonly trainingInputs?: readonly BatchInput[];
  readonly usesDropout: boolean;
  /** training takes `mixup_weight` */
  readonly usesMixup?: boolean;
  forward(context: Context, batch: Readonly<Record<string, Value>>): ExampleResult;
  /** Whole images, normalized, [batch, C, H, W]. */
  infer(context: Context, pixels: Value): Inference;
}

export interface Inference {
  /** what an exported model puts out */
  readonly outputs: Readonly<Record<string, Value>>;
  /** [batch, D, h, w], where the embedding is the average of a map */
  readonly map?: Value;
}

/** The program that a recipe of the task describes. */
export type Task = (recipe: Recipe) => Program;
