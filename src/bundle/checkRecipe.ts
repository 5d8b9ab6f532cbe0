/** Checks between a recipe's keys, after the schema has checked each key alone. */
import { append } from '../base/lists';
import { UserError } from '../base/errors';
import type { Recipe } from './recipe';
import { limitProblems } from './recipeLimits';

/** How a pretraining image is cut: `grid` places a side, `patches` in all, of which `hidden` are to be found again. */
export interface PatchCounts {
  readonly grid: number;
  readonly patches: number;
  readonly hidden: number;
  readonly visible: number;
}

export function patchCounts(recipe: Pick<Recipe, 'image' | 'patch'>): PatchCounts {
  const grid = Math.floor(recipe.image.size / recipe.patch.size);
  const patches = grid * grid;
  const hidden = Math.floor(patches * recipe.patch.hidden);
  return { grid, patches, hidden, visible: patches - hidden };
}

/** Channels that the last stage puts out: width * 4 * 2^(stages - 1). */
export function encoderChannels(network: Pick<Recipe['network'], 'width' | 'stages'>): number {
  return network.width * 4 * 2 ** (network.stages.length - 1);
}

/** Side of the map that the last stage makes of square images: halved, rounded up, by every stride. */
export function mapSide(
  { stem, stages }: Pick<Recipe['network'], 'stem' | 'stages'>,
  imageSide: number,
): number {
  const strides = (stem === 'imagenet' ? 2 : 0) + stages.length - 1;
  return Array.from({ length: strides }).reduce<number>((side) => Math.ceil(side / 2), imageSide);
}

/** Throws a UserError that says everything that does not fit together; returns the recipe. */
export function checkRecipe(recipe: Recipe): Recipe {
  const tooMuch = limitProblems(recipe);
  if (tooMuch.length > 0) throw new UserError(tooMuch.join('; '));
  const problems = [
    ...imageProblems(recipe),
    ...scheduleProblems(recipe),
    ...(recipe.task === 'pretrain' ? pretrainProblems(recipe) : finetuneProblems(recipe)),
  ];
  if (problems.length > 0) throw new UserError(problems.join('; '));
  return recipe;
}

function imageProblems({ image, augment }: Recipe): string[] {
  const problems: string[] = [];
  for (const key of ['mean', 'std'] as const) {
    const count = image[key].length;
    if (count !== image.channels)
      problems.push(
        `image.${key} has length ${count} but image.channels is ${image.channels}: give one value a channel`,
      );
  }
  if (augment.pad > image.size)
    problems.push(`augment.pad is ${augment.pad}: must be at most image.size, which is ${image.size}`);
  return problems;
}

function scheduleProblems({ schedule }: Recipe): string[] {
  const problems: string[] = [];
  const { warmupSteps, steps, milestones } = schedule;
  if (warmupSteps >= steps)
    problems.push(`schedule.warmupSteps is ${warmupSteps}: must be below schedule.steps, which is ${steps}`);
  if (milestones.some((milestone, i) => i > 0 && milestone <= (milestones[i - 1] ?? 0)))
    problems.push(`schedule.milestones is [${milestones.join(', ')}]: must ascend`);
  return problems;
}

function pretrainProblems(recipe: Recipe): string[] {
  const { patch, network, pooling } = recipe;
  const problems: string[] = [];
  for (const [key, on] of [
    ['regularize.labelSmoothing', recipe.regularize.labelSmoothing],
    ['regularize.mixup', recipe.regularize.mixup],
    ['consistency.ratio', recipe.consistency.ratio],
  ] as const) {
    if (on > 0) problems.push(`${key} is ${on}: that is for finetuning; leave it at 0`);
  }
  if (network.globalPool === 'attention')
    problems.push(
      `network.globalPool is attention: that is for finetuning; pretraining always pools by attention`,
    );
  if (network.tokens === 'patches')
    problems.push(`network.tokens is patches: that is for finetuning; pretraining always pools patches`);
  const { grid, patches, hidden, visible } = patchCounts(recipe);
  const uncut = cutProblems(recipe);
  if (uncut.length > 0) append(problems, uncut);
  else if (hidden < 2)
    problems.push(
      `patch.hidden is ${patch.hidden}: hides ${hidden} of ${grid} x ${grid} patches and at least 2 are needed, ` +
        `or there is nothing to choose from; raise patch.hidden or lower patch.size`,
    );
  else if (visible < 1)
    problems.push(`patch.hidden is ${patch.hidden}: leaves none of ${patches} patches visible`);
  return [...problems, ...poolingProblems(network, pooling)];
}

function cutProblems({ image, patch }: Recipe): string[] {
  if (patch.size > image.size)
    return [`patch.size is ${patch.size}: must be at most image.size, which is ${image.size}`];
  if (image.size % patch.size !== 0)
    return [`image.size is ${image.size}: must be a multiple of patch.size, which is ${patch.size}`];
  return [];
}

function poolingProblems(network: Recipe['network'], { heads }: Recipe['pooling']): string[] {
  const channels = encoderChannels(network);
  if (channels % heads === 0) return [];
  return [
    `pooling.heads is ${heads}: must divide the encoder's channels, which are ${channels} ` +
      `(network.width * 4 * 2^(stages - 1))`,
  ];
}

function finetuneProblems(recipe: Recipe): string[] {
  const { network, image, batch, pooling, regularize, consistency } = recipe;
  const problems = network.globalPool === 'attention' ? poolingProblems(network, pooling) : [];
  if (network.tokens === 'patches') {
    append(problems, cutProblems(recipe));
    if (network.globalPool !== 'attention')
      problems.push(`network.tokens is patches: give network.globalPool=attention too, which pools them`);
  }
  if (regularize.mixup > 0 && consistency.ratio > 0)
    problems.push(
      `regularize.mixup is ${regularize.mixup} and consistency.ratio is ${consistency.ratio}: turn one of them off`,
    );
  if (network.classes < 2)
    problems.push(`network.classes is ${network.classes}: a classifier needs at least 2`);
  // strides: 4 in the ImageNet stem, 2 in each stage but the first
  const stride = (network.stem === 'imagenet' ? 4 : 1) * 2 ** (network.stages.length - 1);
  if (batch === 1 && image.size <= stride)
    problems.push(`batch is 1 and the last map is 1 x 1: batch norm has one value a channel; raise batch`);
  return problems;
}
