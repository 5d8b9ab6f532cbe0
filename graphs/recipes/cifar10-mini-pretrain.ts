/** The paper's pretraining made small enough for two cores and minutes; what is not named here is the paper's. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'pretrain',
  // one block a stage and a quarter of the width: 256 channels in place of 1024
  network: { stages: [1, 1, 1], width: 16 },
  // 2 of the paper's 3 blocks, heads of 32 channels; no dropout: a short run does not overfit
  pooling: { layers: 2, heads: 8, feedForward: 256, dropout: 0 },
  // small batches: more steps in the time that there is
  batch: 64,
  // AdamW in place of SGD: reaches more in few steps and bears a post-norm transformer's short warm-up
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  schedule: { kind: 'cosine', peak: 0.004, warmupSteps: 100, steps: 3_000 },
};

export default recipe;
