/** The paper's finetuning of a ResNet-50 on 32 x 32 images. "likely", "recalled": how sure the constant is. */
import type { RecipeInput } from '../../src/bundle/recipe';

// T. H. Trinh, M.-T. Luong, Q. V. Le, "Selfie: Self-supervised Pretraining for Image Embedding", arXiv:1906.02940.
const recipe: RecipeInput = {
  task: 'finetune',
  image: {
    size: 32,
    channels: 3,
    // as in pretraining: the first layers expect it
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
  },
  network: {
    version: 'v2', // pre-activation (recalled; two of three reimplementations)
    stages: [3, 4, 6, 3], // ResNet-50: the pretrained three stages and a fresh fourth (likely)
    width: 64,
    stem: 'cifar', // 3 x 3, stride 1, no max-pool (likely)
    classes: 10,
    finalNorm: true, // v2's custom
  },
  batch: 512, // recalled
  optimizer: {
    name: 'sgd',
    momentum: 0.9, // with Nesterov, in both phases (recalled; two reimplementations)
    nesterov: true,
    weightDecay: 1e-4, // L2 (recalled; three reimplementations)
    decayAll: true, // "on everything" (recalled)
  },
  schedule: {
    kind: 'cosine', // to 0, after a linear warm-up of 100 steps (recalled; three reimplementations)
    warmupSteps: 100,
    steps: 120_000, // recalled
    peak: 0.1, // tuned in [0.01, 0.4] for finetuning too (recalled) and the value it chose is not known
  },
  // not recalled; the field's custom for small images: pad by 4, crop, flip
  augment: { pad: 4, flip: true },
};

export default recipe;
