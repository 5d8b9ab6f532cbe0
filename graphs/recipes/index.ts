/** The recipes that come with the package, by name. */
import type { RecipeInput } from '../../src/bundle/recipe';
import cifar10Finetune from './cifar10-finetune';
import cifar10MiniFinetune from './cifar10-mini-finetune';
import cifar10MiniPretrain from './cifar10-mini-pretrain';
import cifar10Pretrain from './cifar10-pretrain';
import embeddedFinetune from './embedded-finetune';
import embeddedPretrain from './embedded-pretrain';

export interface NamedRecipe {
  readonly description: string;
  readonly recipe: RecipeInput;
}

export const recipes: ReadonlyMap<string, NamedRecipe> = new Map([
  ['cifar10-pretrain', { description: "the paper's pretraining, 32 x 32 images", recipe: cifar10Pretrain }],
  ['cifar10-finetune', { description: "the paper's ResNet-50 classifier, 32 x 32", recipe: cifar10Finetune }],
  ['cifar10-mini-pretrain', { description: 'pretraining for two cores', recipe: cifar10MiniPretrain }],
  ['cifar10-mini-finetune', { description: 'a classifier for two cores', recipe: cifar10MiniFinetune }],
  ['embedded-pretrain', { description: "the quickstart's pretraining", recipe: embeddedPretrain }],
  ['embedded-finetune', { description: "the quickstart's classifier", recipe: embeddedFinetune }],
]);
