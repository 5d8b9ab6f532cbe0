/** The paper's hybrid on ImageNet in 224 x 224: imagenet224-finetune with P and the attention pooling as pretrained. */
import type { RecipeInput } from '../../src/bundle/recipe';
import hybrid from './imagenet32-hybrid';
import finetune from './imagenet224-finetune';

const recipe: RecipeInput = {
  ...finetune,
  network: { ...hybrid.network, stem: 'imagenet' },
  pooling: hybrid.pooling,
};

export default recipe;
