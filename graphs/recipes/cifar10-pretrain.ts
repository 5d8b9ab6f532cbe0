/** The paper's pretraining on 32 x 32 images. "likely", "recalled": how sure the constant is; see each comment. */
import type { RecipeInput } from '../../src/bundle/recipe';

// T. H. Trinh, M.-T. Luong, Q. V. Le, "Selfie: Self-supervised Pretraining for Image Embedding", arXiv:1906.02940.
const recipe: RecipeInput = {
  task: 'pretrain',
  image: {
    size: 32,
    channels: 3,
    // CIFAR-10's training set, per channel; not the paper's, which does not say how it normalizes
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
  },
  patch: {
    size: 8, // a 4 x 4 grid (likely)
    hidden: 0.25, // 4 of the 16 (likely): chance 25 %
  },
  network: {
    version: 'v2', // pre-activation (recalled; two of three reimplementations)
    stages: [3, 4, 6], // ResNet-50 without its last stage, the paper's "ResNet-36" (likely)
    width: 64, // ResNet-50's: 1024 channels after the third stage (likely)
    stem: 'cifar', // 3 x 3, stride 1, no max-pool (likely)
    finalNorm: true, // open in the paper; the v2 network's custom
  },
  // 3 blocks, 32 heads, feed-forward 640, GELU, dropout 0.1, post-norm (likely)
  pooling: { layers: 3, heads: 32, feedForward: 640, dropout: 0.1, scaleLogits: false },
  position: {
    kind: 'table', // 16 learned vectors for small images (likely)
    onVisible: true, // open in the paper; without it the pooling sees a bag of patches
  },
  batch: 512, // recalled
  optimizer: {
    name: 'sgd',
    momentum: 0.9, // with Nesterov (recalled; two reimplementations)
    nesterov: true,
    weightDecay: 1e-4, // L2 (recalled; three reimplementations)
    decayAll: true, // "on everything" (recalled)
  },
  schedule: {
    kind: 'cosine', // to 0, after a linear warm-up of 100 steps (recalled; three reimplementations)
    warmupSteps: 100,
    steps: 120_000, // recalled
    peak: 0.1, // the paper tunes it in [0.01, 0.4] (recalled) and the value it chose is not known
  },
  augment: {
    pad: 4, // zero-pad by 4, crop back at random (recalled)
    flip: true, // open in the paper
  },
};

export default recipe;
