/** Checks between a recipe's keys, after the schema has checked each key alone. */
import { append } from '../base/lists';
import { UserError } from '../base/errors';
import { imageShape, type ImageSettings } from './imageShape';
import type { Recipe } from './recipe';
import { limitProblems } from './recipeLimits';

/** Places in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** How a pretraining image is cut: into the `patches` of a grid, of which `hidden` are to be found again. */
export interface PatchCounts {
  readonly grid: Grid;
  readonly patches: number;
  readonly hidden: number;
  readonly visible: number;
}

export function patchCounts(recipe: Pick<Recipe, 'image' | 'patch'>): PatchCounts {
  const { height, width } = imageShape(recipe.image);
  const count = (side: number) => Math.floor(side / recipe.patch.size);
  const grid = { rows: count(height), columns: count(width) };
  const patches = grid.rows * grid.columns;
  const hidden = Math.floor(patches * recipe.patch.hidden);
  return { grid, patches, hidden, visible: patches - hidden };
}

/** Channels that the last stage puts out: width * 4 * 2^(stages - 1). */
export function encoderChannels(network: Pick<Recipe['network'], 'width' | 'stages'>): number {
  return network.width * 4 * 2 ** (network.stages.length - 1);
}

/** The map that the last stage makes of whole images: each side halved, rounded up, by every stride. */
export function mapGrid(
  { stem, stages }: Pick<Recipe['network'], 'stem' | 'stages'>,
  image: ImageSettings,
): Grid {
  const strides = (stem === 'imagenet' ? 2 : 0) + stages.length - 1;
  const left = (length: number) =>
    Array.from({ length: strides }).reduce<number>((side) => Math.ceil(side / 2), length);
  const { height, width } = imageShape(image);
  return { rows: left(height), columns: left(width) };
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

/** The image's sides with the keys that set them: one where it is a square. */
const sides = ({ size, height, width }: Recipe['image']): (readonly [key: string, side: number])[] =>
  height === undefined || width === undefined
    ? [['image.size', size]]
    : [
        ['image.height', height],
        ['image.width', width],
      ];

function imageProblems({ image, augment, consistency }: Recipe): string[] {
  const problems: string[] = [];
  if ((image.height === undefined) !== (image.width === undefined)) {
    const [given, other] = image.width === undefined ? ['height', 'width'] : ['width', 'height'];
    problems.push(`image.${given} is given without image.${other}: give both, or image.size for squares`);
  }
  for (const key of ['mean', 'std'] as const) {
    const count = image[key].length;
    if (count !== image.channels)
      problems.push(
        `image.${key} has length ${count} but image.channels is ${image.channels}: give one value a channel`,
      );
  }
  for (const [key, side] of sides(image))
    if (augment.pad > side)
      problems.push(`augment.pad is ${augment.pad}: must be at most ${key}, which is ${side}`);
  return [...problems, ...colourProblems(image, { augment, consistency })];
}

/** RandAugment's operations are defined on colours of 8 bits, as Pillow has them. */
function colourProblems(
  { channels, bits }: Recipe['image'],
  { augment, consistency }: Pick<Recipe, 'augment' | 'consistency'>,
): string[] {
  const isColour = channels === 1 || channels === 3;
  if (isColour && bits !== 16) return [];
  const image = isColour ? 'image.bits is 16' : `image.channels is ${channels}`;
  return [
    ['augment.randAugment', augment.randAugment] as const,
    ['consistency.operations', consistency.ratio > 0 ? consistency.operations : 0] as const,
  ].flatMap(([key, operations]) =>
    operations > 0
      ? [
          `${key} is ${operations} and ${image}: RandAugment's operations are those of gray and RGB images of 8 bits; set ${key}=0`,
        ]
      : [],
  );
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
      `patch.hidden is ${patch.hidden}: hides ${hidden} of ${grid.rows} x ${grid.columns} patches and at least 2 are needed, ` +
        `or there is nothing to choose from; raise patch.hidden or lower patch.size`,
    );
  else if (visible < 1)
    problems.push(`patch.hidden is ${patch.hidden}: leaves none of ${patches} patches visible`);
  return [...problems, ...poolingProblems(network, pooling)];
}

function cutProblems({ image, patch }: Recipe): string[] {
  return sides(image).flatMap(([key, side]) => {
    if (patch.size > side) return [`patch.size is ${patch.size}: must be at most ${key}, which is ${side}`];
    if (side % patch.size === 0) return [];
    return [`${key} is ${side}: must be a multiple of patch.size, which is ${patch.size}`];
  });
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
  const map = mapGrid(network, image);
  if (batch === 1 && map.rows === 1 && map.columns === 1)
    problems.push(`batch is 1 and the last map is 1 x 1: batch norm has one value a channel; raise batch`);
  return problems;
}
