/** The paper's pretraining made small enough for two cores and minutes; what is not named here is the paper's. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'pretrain',
  // one block a stage and a quarter of the width: 256 channels in place of 1024
  network: { stages: [1, 1, 1], width: 16 },
  // the paper's 3 blocks, feed-forward 640 and heads of 32 channels, for 256 channels
  pooling: { layers: 2, heads: 8, feedForward: 256, dropout: 0.1 },
  batch: 128,
  // AdamW in place of SGD: reaches more in few steps and bears a post-norm transformer's short warm-up
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  schedule: { kind: 'cosine', peak: 0.002, warmupSteps: 200, steps: 6_000 },
};

export default recipe;
