/** What can be measured: recipes of the package with the settings that make them a benchmark. */
import { loadRecipe, type LoadedRecipe } from '../../graphs/recipes/load';

interface Case {
  readonly describe: string;
  readonly recipe: string;
  readonly batch: number;
  readonly set: readonly string[];
}

/** Dropout is off in all of them: with it no two programs would have the same loss to be compared by. */
export const CASES = {
  'cifar-resnet50': {
    describe: 'ResNet-50 v1 on 32 x 32 images (3 x 3 stem), 10 classes, SGD',
    recipe: 'cifar10-finetune',
    batch: 32,
    set: ['network.version="v1"'],
  },
  'selfie-32': {
    describe: "the paper's pretraining: 16 patches of 8 x 8 an image, attention pooling, SGD",
    recipe: 'cifar10-pretrain',
    batch: 32,
    set: ['pooling.dropout=0'],
  },
  'selfie-224': {
    describe: "the paper's pretraining on 224 x 224 images: 49 patches of 32 x 32, 7 x 7 stem, SGD",
    recipe: 'cifar10-pretrain',
    batch: 8,
    set: [
      'pooling.dropout=0',
      'image.size=224',
      'patch.size=32',
      'network.stem="imagenet"',
      'position.kind="rowColumn"',
    ],
  },
  'mini-pretrain': {
    describe: 'the recipe cifar10-mini-pretrain, AdamW',
    recipe: 'cifar10-mini-pretrain',
    batch: 64,
    set: ['pooling.dropout=0'],
  },
  'mini-finetune': {
    describe: 'the recipe cifar10-mini-finetune, SGD',
    recipe: 'cifar10-mini-finetune',
    batch: 64,
    set: [],
  },
} as const satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;
export const CASE_NAMES = Object.keys(CASES) as CaseName[];

/** The recipe of a case; `batch` takes the place of the case's own, `set` (`a.b=value`) has the last word. */
export function caseRecipe(name: CaseName, batch: number | undefined, set: readonly string[]): LoadedRecipe {
  const { recipe, batch: usual, set: own } = CASES[name];
  return loadRecipe(recipe, [...own, `batch=${batch ?? usual}`, ...set]);
}
