/** Finetuning with labelled and unlabelled images together (FixMatch, arXiv:2001.07685), for two cores. */
import type { RecipeInput } from '../../src/bundle/recipe';
import finetune from './cifar10-mini-finetune';

const recipe: RecipeInput = {
  ...finetune,
  // FixMatch takes 7 unlabelled images for each labelled one and a threshold of 0.95, which a short run hardly reaches
  consistency: { ratio: 1, threshold: 0.7 },
  average: { decay: 0.99 },
};

export default recipe;
