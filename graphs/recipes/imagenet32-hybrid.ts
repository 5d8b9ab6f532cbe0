/** The paper's hybrid on ImageNet in 32 x 32: imagenet32-finetune with cifar10-hybrid's network. */
import type { RecipeInput } from '../../src/bundle/recipe';
import cifar10 from './cifar10-hybrid';
import finetune from './imagenet32-finetune';

const recipe: RecipeInput = {
  ...finetune,
  network: { ...cifar10.network, classes: 1000 },
  pooling: cifar10.pooling,
};

export default recipe;
