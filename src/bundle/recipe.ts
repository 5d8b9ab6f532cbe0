/** The recipe: every number that decides what is built and how it is trained, and its validation. */
import { z } from 'zod';
import { PROVIDERS } from '../base/providers';

/** What may be hidden of an image. */
export const MASK_SHAPES = ['random', 'block', 'rows'] as const;
export type MaskShape = (typeof MASK_SHAPES)[number];

const positiveInt = z.number().int().positive();
const fraction = z.number().gt(0).lt(1);

const imageSchema = z.strictObject({
  /** side of the square image in pixels */
  size: positiveInt.default(32),
  /** both sides in pixels, together, in the place of size */
  height: positiveInt.optional(),
  width: positiveInt.optional(),
  channels: positiveInt.default(3),
  /** of a value; 16 keeps what 16-bit PNG, TIFF and .npy files have. Absent: 8 */
  bits: z.union([z.literal(8), z.literal(16)]).optional(),
  /** per channel, of values scaled to [0, 1]; defaults are CIFAR-10's */
  mean: z.array(z.number()).default([0.4914, 0.4822, 0.4465]),
  std: z.array(z.number().positive()).default([0.247, 0.2435, 0.2616]),
});

const patchSchema = z.strictObject({
  /** side of a square patch in pixels; divides both sides of the image */
  size: positiveInt.default(8),
  /** fraction of the patches that are hidden, rounded down */
  hidden: fraction.default(0.25),
  /** which are hidden of each image: places anywhere, one block, or rows that follow one another */
  mask: z.enum(MASK_SHAPES).default('random'),
});

const networkSchema = z.strictObject({
  /** v2: pre-activation (the paper); v1: torchvision's ResNet */
  version: z.enum(['v1', 'v2']).default('v2'),
  /** bottleneck blocks of each stage; three stages make the paper's P, four a ResNet */
  stages: z.array(positiveInt).min(1).max(4).default([3, 4, 6]),
  /** channels of the stem; stage i puts out width * 4 * 2^i */
  width: positiveInt.default(64),
  /** cifar: 3x3 stride 1; imagenet: 7x7 stride 2 and 3x3 max-pool stride 2 */
  stem: z.enum(['cifar', 'imagenet']).default('cifar'),
  classes: positiveInt.default(10),
  /** finetuning: average of the last map, or the attention pooling over its pixels (the paper's hybrid); see `pooling` */
  globalPool: z.enum(['average', 'attention']).default('average'),
  /** what the hybrid's attention pools: the pixels of the whole image's map, or the image's patches as in pretraining */
  tokens: z.enum(['map', 'patches']).default('map'),
  /** v2 only: batch norm and ReLU after the last stage, before the average */
  finalNorm: z.boolean().default(true),
});

const poolingSchema = z.strictObject({
  layers: positiveInt.default(3),
  /** divides the encoder's output channels */
  heads: positiveInt.default(32),
  feedForward: positiveInt.default(640),
  dropout: z.number().min(0).lt(1).default(0.1),
  /** divide the query-candidate dot product by sqrt(channels) */
  scaleLogits: z.boolean().default(false),
});

const positionSchema = z.strictObject({
  /** table: one vector a place; rowColumn: row vector + column vector */
  kind: z.enum(['table', 'rowColumn']).default('table'),
  /** add the position to the visible patches before the attention pooling too */
  onVisible: z.boolean().default(true),
});

const optimizerSchema = z.strictObject({
  name: z.enum(['sgd', 'adamw', 'lars']).default('sgd'),
  momentum: z.number().min(0).lt(1).default(0.9),
  nesterov: z.boolean().default(true),
  weightDecay: z.number().nonnegative().default(1e-4),
  /** decay norms' scales, biases, positions and u0 too ("on everything") */
  decayAll: z.boolean().default(true),
  /** AdamW */
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  /** LARS trust coefficient */
  trust: z.number().positive().default(0.001),
  /** clip the gradients to this global L2 norm; 0 turns it off */
  clipNorm: z.number().nonnegative().default(0),
});

const scheduleSchema = z.strictObject({
  kind: z.enum(['cosine', 'step', 'constant']).default('cosine'),
  /** learning rate at the end of the warm-up */
  peak: z.number().positive().default(0.1),
  /** linear warm-up */
  warmupSteps: z.number().int().nonnegative().default(100),
  steps: positiveInt.default(120_000),
  /** step schedule: multiply by `factor` at each of these fractions of `steps` */
  milestones: z.array(fraction).default([0.5, 0.75]),
  factor: z.number().positive().default(0.1),
});

const augmentSchema = z.strictObject({
  /** 32 x 32 style: zero-pad by this many pixels and crop back at random; 0 turns it off */
  pad: z.number().int().nonnegative().default(4),
  flip: z.boolean().default(true),
  /** folders: random-resized crop with at least this fraction of the area; 0 turns it off (then: resize and center crop) */
  cropScale: z.number().min(0).max(1).default(0.08),
  /** RandAugment's operations on each image; 0 turns it off */
  randAugment: z.number().int().nonnegative().default(0),
  /** strongest that RandAugment draws, as a fraction of its full ranges */
  magnitude: z.number().gt(0).max(1).default(1),
  /** Cutout: side of the gray square on each image, as a fraction of the image's shorter one; 0 turns it off */
  cutout: z.number().min(0).max(1).default(0),
});

/** What keeps a classifier from trusting its few labels too much; finetuning only. */
const regularizeSchema = z.strictObject({
  /** part of each target that is spread evenly over all classes (Szegedy et al. 2016) */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** mixup (Zhang et al. 2018): images and losses of two examples mixed w : 1 - w with w ~ Beta(a, a); 0 turns it off */
  mixup: z.number().nonnegative().default(0),
});

const averageSchema = z.strictObject({
  /**
   * exponential moving average of weights and statistics, which evaluation and export then take: a <- d a + (1 - d) w with
   * d = min(decay, (1 + step) / (10 + step)); 0 turns it off
   */
  decay: z.number().min(0).lt(1).default(0),
});

/** Consistency training: FixMatch (Sohn et al. 2020, arXiv:2001.07685), for labelled and unlabelled images together. */
const consistencySchema = z.strictObject({
  /** unlabelled images for each labelled one in a batch; 0 turns it off. FixMatch: 7 */
  ratio: z.number().int().nonnegative().default(0),
  /** of the unlabelled loss */
  weight: z.number().positive().default(1),
  /** an unlabelled image counts where the weakly augmented one's largest probability is at least this */
  threshold: z.number().min(0).lt(1).default(0.95),
  /** the strong augmentation, on top of `augment`: RandAugment and Cutout */
  operations: z.number().int().nonnegative().default(2),
  magnitude: z.number().gt(0).max(1).default(1),
  cutout: z.number().min(0).max(1).default(0.5),
});

/** Dynamic loss scaling of `compute: float16`; names and defaults are those of PyTorch's GradScaler. */
const lossScaleSchema = z.strictObject({
  /** factor on the loss at the start */
  initial: z.number().positive().default(65_536),
  /** after growthInterval steps with finite gradients */
  growthFactor: z.number().gt(1).default(2),
  /** after a step whose gradients are not finite, which is skipped */
  backoffFactor: fraction.default(0.5),
  growthInterval: positiveInt.default(2000),
});

/** Every section present, every key filled in by its default. */
export const recipeSchema = z.strictObject({
  task: z.enum(['pretrain', 'finetune']),
  image: imageSchema.prefault({}),
  patch: patchSchema.prefault({}),
  network: networkSchema.prefault({}),
  pooling: poolingSchema.prefault({}),
  position: positionSchema.prefault({}),
  batch: positiveInt.default(512),
  /** how `--labels` draws a percentage or a number of examples: as many of each class, or from all alike */
  labelSubset: z.enum(['balanced', 'uniform']).default('balanced'),
  optimizer: optimizerSchema.prefault({}),
  schedule: scheduleSchema.prefault({}),
  augment: augmentSchema.prefault({}),
  regularize: regularizeSchema.prefault({}),
  consistency: consistencySchema.prefault({}),
  average: averageSchema.prefault({}),
  /** exact: direct float32 implementations only; fast: any implementation within the documented error */
  precision: z.enum(['exact', 'fast']).default('fast'),
  /** float16: convolutions and matrix products of training in half precision, everything else and the state in float32 */
  compute: z.enum(['float32', 'float16']).default('float32'),
  lossScale: lossScaleSchema.prefault({}),
  /**
   * made again for the gradients instead of kept, with the same numbers in less memory: nothing; windows (what convolutions
   * make of their operands); all (activations that cheap operators make from others, too)
   */
  recompute: z.enum(['none', 'windows', 'all']).default('windows'),
  /** optimizations of the lowering that are not to be used (src/lowering/optimizations.ts) */
  without: z.array(z.string()).default([]),
  provider: z.enum(PROVIDERS).default('cpu'),
  seed: z.number().int().nonnegative().default(0),
});

export type Recipe = z.infer<typeof recipeSchema>;
/** What a recipe file writes: `task` and whatever differs from the defaults. */
export type RecipeInput = z.input<typeof recipeSchema>;
