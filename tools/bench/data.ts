/**
 * The data pipeline's pace (`npm run bench:data`). CIFAR images are consumed at 5,000 a second by a session that does
 * nothing, and as fast as they come; JPEG photographs are cut to 224 x 224, against a bare loop of sharp and PyTorch's
 * DataLoader on the same files. Figures are medians of interleaved rounds with the least and the largest.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import yargs from 'yargs';
import { maxOf, minOf } from '../../src/base/lists';
import { positive, text, whole } from '../../src/commands/command';
import type { LoaderOptions } from '../../src/data/batches/loader';
import { Random } from '../../src/base/random';
import { consume, type Consumed, type Pace } from './data/consume';
import { bareSharp, type DecodeTask, torchLoader } from './data/peers';

const SHARED = path.resolve('../shared/data');
const CIFAR_RATE = 5000;

const given = yargs(process.argv.slice(2))
  .scriptName('npm run bench:data --')
  .options({
    case: { type: 'array', choices: ['cifar', 'jpeg'], default: ['cifar', 'jpeg'] },
    rounds: whole('--rounds', 1, 'times that everything is measured (default: 3)'),
    seconds: positive('--seconds', 'of one measurement (default: 2)'),
    batch: whole('--batch', 1, 'photographs a batch (default: 64)'),
    folder: text('folder of JPEG files (default: generated photographs)'),
    python: text("interpreter of PyTorch's DataLoader (default: python3)"),
  })
  .version(false)
  .strict()
  .parseSync();
const { rounds = 3, seconds = 2, batch = 64, python = 'python3' } = given;

interface Line {
  readonly what: string;
  readonly measure: () => Promise<Consumed | number | string> | Consumed | number | string;
}

/** Runs every line once a round and prints medians. */
async function table(title: string, lines: readonly Line[]): Promise<Map<string, number>> {
  const results = lines.map((): (Consumed | string)[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { measure }] of lines.entries()) {
      const result = await measure();
      const whole =
        typeof result === 'number' ? { imagesPerSecond: result, dataWait: NaN, cores: NaN } : result;
      results[i].push(whole);
    }
  }
  const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const medians = new Map<string, number>();
  console.log(`\n${title}\n${'images/s (min..max)'.padStart(66)}  data wait  cores`);
  for (const [i, { what }] of lines.entries()) {
    const numbers = results[i].filter((result) => typeof result !== 'string');
    const reasons = results[i].filter((result) => typeof result === 'string');
    if (numbers.length === 0) {
      console.log(`${what.padEnd(44)} skipped: ${reasons[0]}`);
      continue;
    }
    const paces = numbers.map(({ imagesPerSecond }) => imagesPerSecond);
    const pace = middle(paces);
    medians.set(what, pace);
    const spread = `${pace.toFixed(0)} (${minOf(paces).toFixed(0)}..${maxOf(paces).toFixed(0)})`;
    const wait = middle(numbers.map(({ dataWait }) => dataWait));
    const cores = middle(numbers.map((number) => number.cores));
    const share = Number.isNaN(wait) ? '' : `${(100 * wait).toFixed(2)} %`.padStart(9);
    console.log(
      `${what.padEnd(44)} ${spread.padStart(21)}  ${share}  ${Number.isNaN(cores) ? '' : cores.toFixed(2)}`,
    );
  }
  return medians;
}

async function cifar(): Promise<void> {
  const stored = path.join(SHARED, 'cifar-10-batches-bin');
  const spec = existsSync(stored) ? `cifar10:${stored}` : 'embedded';
  const lines = [64, 512].flatMap((batch) => {
    const options: LoaderOptions = {
      spec,
      split: 'train',
      batch,
      seed: 0,
      mode: 'train',
      image: { size: 32, channels: 3 },
      augment: { pad: 4, flip: true, cropScale: 0 },
      labels: { classes: 10 },
      patchOrder: { grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'random' },
    };
    const name = `${spec.split(':')[0]} batch ${batch}`;
    const line = (what: string, pace: Omit<Pace, 'seconds'>): Line => ({
      what: `${name}, ${what}`,
      measure: () => consume(options, { ...pace, seconds }),
    });
    return [
      line(`${CIFAR_RATE}/s`, { rate: CIFAR_RATE, stepsPerRun: 1 }),
      line(`${CIFAR_RATE}/s, 8 steps a call`, { rate: CIFAR_RATE, stepsPerRun: 8 }),
      line('flat out', { rate: Infinity, stepsPerRun: 1 }),
    ];
  });
  await table('32 x 32, pad-and-crop, flip, labels and masks', lines);
}

/** Photographs of 500 x 375 with structure at every scale, for machines that have none. */
async function writePhotos(folder: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const random = new Random(0, 'photo', i);
    const octaves = [4, 16, 64, 250].map(async (side) => {
      const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
      const raw = { width: side, height: side, channels: 3 as const };
      return sharp(pixels, { raw }).resize(500, 375, { fit: 'fill' }).ensureAlpha(0.5).png().toBuffer();
    });
    const [ground, ...details] = await Promise.all(octaves);
    await sharp(ground)
      .composite(details.map((input) => ({ input })))
      .removeAlpha()
      .jpeg({ quality: 90 })
      .toFile(path.join(folder, `${i}.jpg`));
  }
}

async function jpeg(folder: string, size = 224): Promise<void> {
  const names = readdirSync(folder).filter((name) => /\.jpe?g$/i.test(name));
  const files = names.sort().map((name) => path.join(folder, name));
  const task: DecodeTask = { files, size, cropScale: 0.3, batch, seconds };
  const options: LoaderOptions = {
    spec: `folder:${folder}`,
    split: 'train',
    batch,
    seed: 0,
    mode: 'train',
    image: { size, channels: 3 },
    augment: { pad: 0, flip: true, cropScale: task.cropScale },
    patchOrder: { grid: { rows: 7, columns: 7 }, hidden: 12, mask: 'random' },
  };
  const loader = (workers: number, rate = Infinity) => ({
    what: `loader, ${workers} ${workers === 1 ? 'worker' : 'workers'}, ${rate === Infinity ? 'flat out' : `${rate.toFixed(0)}/s`}`,
    measure: () => consume({ ...options, workers }, { rate, stepsPerRun: 1, seconds }),
  });
  const flat = await table(
    `${files.length} JPEG of ${folder}, random-resized crop to ${size} x ${size}, batch ${batch}`,
    [
      { what: 'bare sharp, 1 at a time', measure: () => bareSharp(task, 1) },
      { what: 'bare sharp, 4 at a time', measure: () => bareSharp(task, 4) },
      loader(1),
      loader(2),
      ...[1, 2].map((workers) => ({
        what: `PyTorch DataLoader with Pillow, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
        measure: () => torchLoader(python, task, workers),
      })),
    ],
  );
  const best = flat.get('bare sharp, 4 at a time') ?? NaN;
  const shares = [0.9, 0.95].map((share) => loader(2, share * best));
  await table('the same, consumed at 90 % and 95 % of what the bare loop decodes', shares);
}

async function main(): Promise<void> {
  if (given.case.includes('cifar')) await cifar();
  if (!given.case.includes('jpeg')) return;
  const originals = given.folder ?? path.join(SHARED, 'imagenet-originals');
  if (existsSync(originals)) return jpeg(originals);
  const made = mkdtempSync(path.join(tmpdir(), 'selfie-photos-'));
  try {
    await writePhotos(made);
    await jpeg(made);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

void main();
