/** Finetuning for two cores and minutes: starts from cifar10-mini-pretrain's encoder. */
import type { RecipeInput } from '../../src/bundle/recipe';

const recipe: RecipeInput = {
  task: 'finetune',
  // the three pretrained stages of cifar10-mini-pretrain and a fresh fourth
  network: { stages: [1, 1, 1, 1], width: 16, classes: 10 },
  batch: 64,
  optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
  schedule: { kind: 'cosine', peak: 0.1, warmupSteps: 100, steps: 2_000 },
};

export default recipe;
