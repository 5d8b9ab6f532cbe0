/** Pretraining on the data set that the package generates itself; small enough for the quickstart. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'pretrain',
  // of the generated images, rounded; the channels hardly differ
  image: { size: 32, channels: 3, mean: [0.47, 0.47, 0.47], std: [0.2, 0.2, 0.2] },
  patch: { size: 8, hidden: 0.25 },
  network: { stages: [1, 1, 1], width: 8 },
  pooling: { layers: 1, heads: 4, feedForward: 128, dropout: 0 },
  batch: 64,
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  schedule: { kind: 'cosine', peak: 0.004, warmupSteps: 50, steps: 900 },
  // no zero padding: its border would tell which patches lie at the edge, and whole images have none
  augment: { pad: 0, flip: true },
};

export default recipe;
