/** What the commands work on: a folder of small images, two trained networks of a few channels, and their bundles. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../../src/base/random';
import type { ExperimentInput } from '../../../src/experiment/schema';
import { Place } from './program';

export const DATA = 'folder:photos';
const CLASSES = ['apple', 'pear', 'plum'];
const IMAGES = { train: 24, test: 8 };
const SIDE = 32;

const set = (settings: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]);

const NETWORK = { 'network.stages': [1, 1], 'network.width': 4, batch: 8 };
export const SMALL = set(NETWORK);
export const CLASSIFIER = [...SMALL, '--set', `network.classes=${CLASSES.length}`];
/** One thread each: the harness runs on machines that have other work. */
export const COMPUTE = ['--threads', '1'];
export const THREADS = [...COMPUTE, '--workers', '1'];
const CHECKPOINTS = ['--checkpoint-every', '2'];
/** Options of the two trainings but for `--steps`. */
export const PRETRAIN = ['--data', DATA, ...CHECKPOINTS, ...THREADS];
export const FINETUNE = [
  '--data',
  DATA,
  '--init-from',
  'pre',
  '--labels',
  '50%',
  '--validation',
  '20%',
  ...CHECKPOINTS,
  ...THREADS,
];

const GRID: ExperimentInput = {
  title: 'tiny',
  baseline: 'supervised',
  seeds: [0],
  validation: '20%',
  checkpointEvery: 2,
  dataSets: {
    folder: {
      pretrain: { recipe: 'embedded-pretrain', set: NETWORK, steps: 4 },
      methods: {
        supervised: {
          recipe: 'embedded-finetune',
          set: { ...NETWORK, 'network.classes': CLASSES.length },
          steps: 4,
          learningRates: [0.1],
        },
      },
      labels: [{ labels: '50%' }],
    },
  },
};

/** Each class has a colour of its own, with noise. */
async function writePhotos(folder: string): Promise<void> {
  for (const [split, count] of Object.entries(IMAGES))
    for (const [label, name] of CLASSES.entries()) {
      mkdirSync(path.join(folder, split, name), { recursive: true });
      for (let i = 0; i < count; i++) {
        const random = new Random(0, split, label, i);
        const pixels = Uint8Array.from(
          { length: 3 * SIDE ** 2 },
          (_, at) => 60 + (at % 3 === label ? 90 : 0) + random.integer(90),
        );
        const image = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
        await image.toFile(path.join(folder, split, name, `${i}.${i % 2 === 0 ? 'png' : 'jpg'}`));
      }
    }
}

/**
 * Makes it all in a new folder, whose `work` has: `photos`; `pre` and `fine`, trained for 6 steps; `bare-pre` and `bare-fine`,
 * their bundles alone; `half`, a pretraining of 16 steps that lost its checkpoints after step 4; `classifier.onnx`; `grid.json`, an experiment. Throws what a command says that fails.
 */
export async function makeMaterial(folder: string): Promise<Place> {
  const place = new Place(folder);
  const selfie = async (...args: string[]) => {
    const { code, stderr } = await place.run(args);
    if (code !== 0) throw new Error(`selfie ${args.join(' ')} ended with ${code}: ${stderr}`);
  };
  const bare = (from: string, to: string) =>
    cpSync(path.join(place.work, from), path.join(place.work, to), { recursive: true });
  await writePhotos(path.join(place.work, 'photos'));
  writeFileSync(path.join(place.work, 'grid.json'), JSON.stringify(GRID));
  await selfie('build-graph', 'embedded-pretrain', ...SMALL, '--out', 'pre');
  await selfie('build-graph', 'embedded-finetune', ...CLASSIFIER, '--out', 'fine');
  bare('pre', 'bare-pre');
  bare('fine', 'bare-fine');
  await selfie('train', 'pre', '--steps', '6', ...PRETRAIN);
  bare('bare-pre', 'half');
  await selfie('train', 'half', '--steps', '16', '--keep', '8', ...PRETRAIN);
  for (let step = 6; step <= 16; step += 2)
    rmSync(path.join(place.work, 'half', 'checkpoints', `step-${step}.safetensors`));
  await selfie('train', 'fine', '--steps', '6', ...FINETUNE);
  await selfie('export', 'fine', '--out', 'classifier.onnx');
  return place;
}

/** Copies entries of the material (`bare-pre>pre`: under another name) into a place. */
export function copyMaterial(material: Place, to: Place, entries: readonly string[]): void {
  for (const entry of entries) {
    const [from, name = from] = entry.split('>');
    if (!existsSync(path.join(material.work, from))) throw new Error(`the material has no ${from}`);
    cpSync(path.join(material.work, from), path.join(to.work, name), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
}
