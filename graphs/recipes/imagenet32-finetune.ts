/** The paper's finetuning on ImageNet in 32 x 32: cifar10-finetune but for what is named here. */
import type { RecipeInput } from '../../src/bundle/recipe';
import cifar10 from './cifar10-finetune';
import pretrain from './imagenet32-pretrain';

const recipe: RecipeInput = {
  ...cifar10,
  image: pretrain.image,
  network: { ...cifar10.network, classes: 1000 },
  batch: 1024, // recalled
};

export default recipe;
