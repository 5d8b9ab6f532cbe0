/** The paper's hybrid on 32 x 32 images: its encoder P and its attention pooling as the classifier. */
import type { RecipeInput } from '../../src/bundle/recipe';
import finetune from './cifar10-finetune';
import pretrain from './cifar10-pretrain';

const recipe: RecipeInput = {
  // batch, optimizer, schedule and augmentation are cifar10-finetune's
  ...finetune,
  network: {
    ...finetune.network,
    stages: [3, 4, 6], // P as it was pretrained, the paper's "ResNet-36" (likely)
    globalPool: 'attention', // over the pixels of P's map, which is open in the paper; both parts start pretrained (likely)
  },
  // cifar10-pretrain's, or its weights would not fit (likely)
  pooling: pretrain.pooling,
};

export default recipe;
