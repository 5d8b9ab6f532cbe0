/** How large a recipe's numbers may be: what is far beyond any use would fill the memory before it is seen that it is. */
import { imageLength, imageShape } from './imageShape';
import type { Recipe } from './recipe';

/** By key. */
const MOST = {
  'image.size': 8192,
  'image.height': 8192,
  'image.width': 8192,
  'image.channels': 64,
  batch: 65_536,
  'network.width': 8192,
  'network.classes': 1_000_000,
  'pooling.layers': 100,
  'pooling.heads': 4096,
  'pooling.feedForward': 1_000_000,
  'schedule.warmupSteps': 1e12,
  'schedule.steps': 1e12,
  'augment.randAugment': 100,
  'consistency.ratio': 1000,
  'consistency.operations': 100,
} as const;

/** Blocks of all stages together. */
const MOST_BLOCKS = 2000;
/** Bytes of the images of a batch. */
const MOST_PIXELS = 2 ** 31;
/** 4 GB in float32, and as much again for gradients and for each moment of the optimizer. */
const MOST_PARAMETERS = 1e9;

const count = (n: number) => n.toLocaleString('en', { maximumFractionDigits: 0 });

export function limitProblems(recipe: Recipe): string[] {
  const { image, network, batch, consistency } = recipe;
  const problems = Object.entries(MOST).flatMap(([key, most]) => {
    const value = numberAt(recipe, key);
    return value > most ? [`${key} is ${value}: must be at most ${count(most)}`] : [];
  });
  const blocks = network.stages.reduce((sum, n) => sum + n, 0);
  if (blocks > MOST_BLOCKS)
    problems.push(
      `network.stages is [${network.stages.join(', ')}]: must be at most ${count(MOST_BLOCKS)} blocks in all`,
    );
  if (problems.length > 0) return problems;
  const { bits } = imageShape(image);
  const pixels = batch * (1 + 2 * consistency.ratio) * imageLength(image) * (bits / 8);
  if (pixels > MOST_PIXELS)
    problems.push(
      `batch is ${batch}: its images take ${count(pixels / 2 ** 20)} MiB, and at most ${count(MOST_PIXELS / 2 ** 20)} are possible; ` +
        'lower batch or the size of the images',
    );
  const parameters = blockParameters(network);
  if (parameters > MOST_PARAMETERS)
    problems.push(
      `network.width is ${network.width} and network.stages is [${network.stages.join(', ')}]: that makes about ` +
        `${count(parameters / 1e6)} million parameters, and at most ${count(MOST_PARAMETERS / 1e6)} are possible`,
    );
  return problems;
}

/** Of the bottleneck blocks, with c = width * 2^stage: 4c -> c, 3 x 3, c -> 4c. */
const blockParameters = ({ width, stages }: Recipe['network']): number =>
  stages.reduce((sum, blocks, stage) => sum + blocks * 17 * (width * 2 ** stage) ** 2, 0);

/** 0 where the recipe leaves the key out. */
function numberAt(recipe: Recipe, key: string): number {
  const value = key
    .split('.')
    .reduce<unknown>((section, name) => (section as Record<string, unknown>)[name], recipe);
  return typeof value === 'number' ? value : 0;
}
