/** The paper's finetuning on ImageNet in 224 x 224: imagenet32-finetune but for what is named here. */
import type { RecipeInput } from '../../src/bundle/recipe';
import imagenet32 from './imagenet32-finetune';
import pretrain from './imagenet224-pretrain';

const recipe: RecipeInput = {
  ...imagenet32,
  image: pretrain.image,
  network: {
    ...imagenet32.network,
    stem: 'imagenet', // imagenet224-pretrain's (likely)
  },
  // not recalled; the field's custom: random-resized crop and flip
  augment: { cropScale: 0.08, flip: true },
};

export default recipe;
