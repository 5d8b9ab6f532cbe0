/** Pretraining on the data set that the package generates itself; small enough for the quickstart. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'pretrain',
  // the generated images cover [0, 1] evenly enough for one value
  image: { size: 32, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  patch: { size: 8, hidden: 0.25 },
  network: { stages: [1, 1, 1], width: 8 },
  pooling: { layers: 1, heads: 4, feedForward: 128, dropout: 0 },
  batch: 64,
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  schedule: { kind: 'cosine', peak: 0.003, warmupSteps: 50, steps: 800 },
  // a mirrored arrangement of parts is another class
  augment: { pad: 4, flip: false },
};

export default recipe;
