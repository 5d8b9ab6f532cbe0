/** The paper's pretraining on ImageNet in 224 x 224: imagenet32-pretrain but for what is named here. */
import type { RecipeInput } from '../../src/bundle/recipe';
import imagenet32 from './imagenet32-pretrain';

const recipe: RecipeInput = {
  ...imagenet32,
  image: { ...imagenet32.image, size: 224 },
  patch: {
    size: 32, // a 7 x 7 grid (likely)
    hidden: 0.25, // 12 of the 49 (likely)
  },
  network: {
    ...imagenet32.network,
    stem: 'imagenet', // 7 x 7 stride 2, 3 x 3 max-pool stride 2 (likely)
  },
  position: {
    kind: 'rowColumn', // 7 + 7 learned vectors, summed (likely)
    onVisible: true, // open in the paper
  },
  augment: {
    cropScale: 0.08, // random-resized crop, the field's custom; not recalled
    flip: true, // open in the paper
  },
};

export default recipe;
