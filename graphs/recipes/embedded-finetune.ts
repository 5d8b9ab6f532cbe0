/** Finetuning on the data set that the package generates itself: starts from embedded-pretrain's encoder. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'finetune',
  image: { size: 32, channels: 3, mean: [0.47, 0.47, 0.47], std: [0.2, 0.2, 0.2] },
  // embedded-pretrain's three stages and a fresh fourth
  network: { stages: [1, 1, 1, 1], width: 8, classes: 10 },
  batch: 64,
  optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
  schedule: { kind: 'cosine', peak: 0.05, warmupSteps: 30, steps: 350 },
};

export default recipe;
