/** The recipes that come with the package, by name. */
import type { RecipeInput } from '../../src/bundle/recipe';
import cifar10Consistency from './cifar10-consistency';
import cifar10Finetune from './cifar10-finetune';
import cifar10Hybrid from './cifar10-hybrid';
import cifar10MiniConsistency from './cifar10-mini-consistency';
import cifar10MiniFinetune from './cifar10-mini-finetune';
import cifar10MiniHybrid from './cifar10-mini-hybrid';
import cifar10MiniPretrain from './cifar10-mini-pretrain';
import cifar10Pretrain from './cifar10-pretrain';
import cifar10Supervised from './cifar10-supervised';
import embeddedFinetune from './embedded-finetune';
import embeddedPretrain from './embedded-pretrain';
import imagenet224Finetune from './imagenet224-finetune';
import imagenet224Hybrid from './imagenet224-hybrid';
import imagenet224Pretrain from './imagenet224-pretrain';
import imagenet224Supervised from './imagenet224-supervised';
import imagenet32Finetune from './imagenet32-finetune';
import imagenet32Hybrid from './imagenet32-hybrid';
import imagenet32Pretrain from './imagenet32-pretrain';
import imagenet32Supervised from './imagenet32-supervised';

export interface NamedRecipe {
  readonly description: string;
  readonly recipe: RecipeInput;
}

export const recipes: ReadonlyMap<string, NamedRecipe> = new Map([
  ['cifar10-pretrain', { description: "the paper's pretraining, 32 x 32 images", recipe: cifar10Pretrain }],
  ['cifar10-finetune', { description: "the paper's ResNet-50 classifier, 32 x 32", recipe: cifar10Finetune }],
  [
    'cifar10-supervised',
    { description: "the paper's baseline: the classifier from scratch, 32 x 32", recipe: cifar10Supervised },
  ],
  [
    'cifar10-consistency',
    { description: 'the classifier with unlabelled images (FixMatch), 32 x 32', recipe: cifar10Consistency },
  ],
  [
    'cifar10-hybrid',
    { description: "the paper's ResNet-36 + attention pooling, 32 x 32", recipe: cifar10Hybrid },
  ],
  [
    'imagenet32-pretrain',
    { description: "the paper's pretraining, ImageNet 32 x 32", recipe: imagenet32Pretrain },
  ],
  [
    'imagenet32-finetune',
    { description: "the paper's classifier, ImageNet 32 x 32", recipe: imagenet32Finetune },
  ],
  [
    'imagenet32-supervised',
    { description: "the paper's baseline, ImageNet 32 x 32", recipe: imagenet32Supervised },
  ],
  ['imagenet32-hybrid', { description: "the paper's hybrid, ImageNet 32 x 32", recipe: imagenet32Hybrid }],
  [
    'imagenet224-pretrain',
    { description: "the paper's pretraining, 224 x 224", recipe: imagenet224Pretrain },
  ],
  ['imagenet224-finetune', { description: "the paper's classifier, 224 x 224", recipe: imagenet224Finetune }],
  [
    'imagenet224-supervised',
    { description: "the paper's baseline, 224 x 224", recipe: imagenet224Supervised },
  ],
  ['imagenet224-hybrid', { description: "the paper's hybrid, 224 x 224", recipe: imagenet224Hybrid }],
  ['cifar10-mini-pretrain', { description: 'pretraining for two cores', recipe: cifar10MiniPretrain }],
  ['cifar10-mini-finetune', { description: 'a classifier for two cores', recipe: cifar10MiniFinetune }],
  [
    'cifar10-mini-consistency',
    { description: 'a classifier with unlabelled images, for two cores', recipe: cifar10MiniConsistency },
  ],
  ['cifar10-mini-hybrid', { description: 'the hybrid for two cores', recipe: cifar10MiniHybrid }],
  ['embedded-pretrain', { description: "the quickstart's pretraining", recipe: embeddedPretrain }],
  ['embedded-finetune', { description: "the quickstart's classifier", recipe: embeddedFinetune }],
]);
