/** The hybrid for two cores and minutes: starts from cifar10-mini-pretrain's encoder and attention pooling. */
import type { RecipeInput } from '../../src/bundle/recipe';
import finetune from './cifar10-mini-finetune';
import pretrain from './cifar10-mini-pretrain';

const recipe: RecipeInput = {
  ...finetune,
  network: { ...pretrain.network, classes: 10, globalPool: 'attention' },
  pooling: pretrain.pooling,
  // AdamW, as in pretraining: plain SGD moves a Transformer little in so few steps
  optimizer: pretrain.optimizer,
  schedule: { kind: 'cosine', peak: 0.002, warmupSteps: 100, steps: 2_000 },
};

export default recipe;
