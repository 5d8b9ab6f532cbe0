/** The paper's pretraining on ImageNet in 32 x 32: cifar10-pretrain but for what is named here. */
import type { RecipeInput } from '../../src/bundle/recipe';
import cifar10 from './cifar10-pretrain';

const recipe: RecipeInput = {
  ...cifar10,
  image: {
    size: 32,
    channels: 3,
    // ImageNet's as torchvision has them; the paper does not say how it normalizes
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  batch: 1024, // recalled
};

export default recipe;
