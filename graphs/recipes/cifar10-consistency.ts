/** Finetuning with labelled and unlabelled images together, what Selfie's authors propose next, by FixMatch's settings. */
import type { RecipeInput } from '../../src/bundle/recipe';
import finetune from './cifar10-finetune';

// K. Sohn et al., "FixMatch", arXiv:2001.07685: mu 7, lambda 1, tau 0.95, batch 64, SGD with Nesterov 0.9 and rate 0.03,
// EMA 0.999, weight decay 5e-4, 2^20 steps (recalled). Its network is a WRN-28-2, its schedule cos(7 pi t / 16).
const recipe: RecipeInput = {
  ...finetune,
  batch: 64,
  optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
  schedule: { kind: 'cosine', warmupSteps: 100, steps: 120_000, peak: 0.03 },
  consistency: { ratio: 7, weight: 1, threshold: 0.95, operations: 2, cutout: 0.5 },
  average: { decay: 0.999 },
};

export default recipe;
