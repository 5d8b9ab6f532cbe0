/** What is checked and timed on a GPU: the paper's recipes at its batch, lowered for CUDA; and small ones to try the programs. */
import { loadRecipe, type LoadedRecipe } from '../../../graphs/recipes/load';

interface GpuCase {
  readonly describe: string;
  readonly recipe: string;
  readonly set: readonly string[];
}

// in pretraining: with dropout no two programs would have the same loss
const SIZE_224 = ['image.size=224', 'network.stem="imagenet"', 'batch=1024'];

export const GPU_CASES = {
  'pretrain-32': {
    describe: "the paper's pretraining, 32 x 32 images, 16 patches of 8 x 8 (paper's batch: 512)",
    recipe: 'cifar10-pretrain',
    set: ['pooling.dropout=0'],
  },
  'finetune-32': {
    describe: "the paper's ResNet-50 classifier, 32 x 32 images (paper's batch: 512)",
    recipe: 'cifar10-finetune',
    set: [],
  },
  'pretrain-224': {
    describe: "the paper's pretraining, 224 x 224 images, 49 patches of 32 x 32 (paper's batch: 1024)",
    recipe: 'cifar10-pretrain',
    set: [...SIZE_224, 'pooling.dropout=0', 'patch.size=32', 'position.kind="rowColumn"'],
  },
  'finetune-224': {
    describe: "the paper's ResNet-50 classifier, 224 x 224 images, 1000 classes (paper's batch: 1024)",
    recipe: 'cifar10-finetune',
    set: [...SIZE_224, 'network.classes=1000'],
  },
  'tiny-pretrain': {
    describe: 'pretraining of a few channels, to try the programs',
    recipe: 'cifar10-pretrain',
    set: [
      ...['pooling.dropout=0', 'network.stages=[1,1]', 'network.width=4', 'batch=4'],
      ...['pooling.layers=1', 'pooling.heads=2', 'pooling.feedForward=16'],
    ],
  },
  'tiny-finetune': {
    describe: 'a classifier of a few channels, to try the programs',
    recipe: 'cifar10-finetune',
    set: ['network.stages=[1,1]', 'network.width=4', 'batch=4'],
  },
} as const satisfies Record<string, GpuCase>;

export type GpuCaseName = keyof typeof GPU_CASES;
export const GPU_CASE_NAMES = Object.keys(GPU_CASES) as GpuCaseName[];

export type Compute = 'float32' | 'float16';

/** The case's recipe for CUDA; `batch` takes the place of its own, `set` (`a.b=value`) has the last word. */
export function gpuRecipe(
  name: GpuCaseName,
  compute: Compute,
  batch: number | undefined,
  set: readonly string[],
): LoadedRecipe {
  const { recipe, set: own } = GPU_CASES[name];
  const sized = batch === undefined ? [] : [`batch=${batch}`];
  return loadRecipe(recipe, [...own, 'provider="cuda"', `compute=${compute}`, ...sized, ...set]);
}
