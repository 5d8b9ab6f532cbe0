/** The programs of a generated model card, run as they stand there, beside the trainer's own numbers for their photo. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { maxOf } from '../../src/base/lists';
import { imageDims, imageShape } from '../../src/bundle/imageShape';
import { pixelType } from '../../src/tensors/pixels';
import { readBundle } from '../../src/bundle/read';
import { decodeCenter } from '../../src/data/images/decode';
import { UserError } from '../../src/base/errors';
import { evaluateImages } from '../../src/export/compare';
import { type ExportKind, OUTPUT_OF } from '../../src/export/form';
import { pickCheckpoint } from '../../src/run/checkpoints';
import { CHROMIUM, CHROMIUM_ARGS } from '../verify/portable/browser';
import { serve } from '../verify/portable/server';

export interface CardProgram {
  readonly title: string;
  readonly file: string;
  readonly code: string;
}

/** The fenced blocks under "Use": each follows a heading and a line that begins with the name of its file. */
export function cardPrograms(readme: string): CardProgram[] {
  const blocks = readme.matchAll(/^### (.+)\n\n`([\w.]+)`.*\n\n```\w+\n([^]*?)\n```$/gm);
  return Array.from(blocks, ([, title, file, code]) => ({ title, file, code }));
}

/**
 * A photo that a network for 32 x 32 pixels only cuts, so that every runtime sees the same pixels, and one that is reduced,
 * too, for which each has a filter of its own: what may differ, of the largest number. A wrong crop
 * differs by more than 0.1.
 */
export const PHOTOS = [
  { width: 50, height: 37, allowed: 2e-3 },
  { width: 240, height: 180, allowed: 0.1 },
] as const;

/** Smooth, and white where evaluation does not look: whoever takes all of it sees something else. */
export async function writePhoto(file: string, width: number, height: number): Promise<void> {
  const edge = (width - 0.875 * height) / 2 - 0.05 * width;
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [column, row, channel] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3];
    if (column < edge || column >= width - edge) return 255;
    const [x, y] = [column / height, row / height];
    return 128 + 100 * Math.sin((x * (channel + 1) + y) * 2.2) * Math.cos(y * (3 - channel / 3));
  });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  await image.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(file);
}

/** What the trainer's evaluation graph makes of a photo: probabilities, or the embedding. */
export async function trainerNumbers(
  directory: string,
  photo: string,
  kind: ExportKind,
): Promise<Float32Array> {
  const bundle = readBundle(directory);
  const { image } = bundle.manifest.recipe;
  const { pixels } = await decodeCenter(readFileSync(photo), photo, image);
  const { state } = pickCheckpoint(directory, undefined, () => {});
  const dtype = pixelType(imageShape(image).bits);
  const images = { dtype, shape: [1, ...imageDims(image)], data: pixels };
  const logits = await evaluateImages(bundle, state, images, OUTPUT_OF[kind]);
  if (kind === 'encoder') return logits;
  const largest = maxOf(logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  if (1 / sum > 0.999)
    throw new UserError(`${directory} is so sure of ${photo} that any program would agree`);
  return powers.map((power) => power / sum);
}

/**
 * Largest difference between what a program printed and the numbers, over the largest of these: lines of `label: number` by
 * the labels, or numbers from the first on. Infinity where it printed anything else, or too little.
 */
export function printedDifference(
  printed: string,
  labels: readonly string[] | null,
  numbers: Float32Array,
): number {
  const pairs = labels
    ? printed
        .trim()
        .split('\n')
        .map((line): [number, number] => {
          const [, label, value] = /^(.*): (\d\.\d{4})$/.exec(line) ?? ['', '', 'NaN'];
          return [labels.indexOf(label), Number(value)];
        })
    : printed
        .trim()
        .split(' ')
        .map((value, i): [number, number] => [i, Number(value)]);
  if (pairs.length < Math.min(5, numbers.length)) return Infinity;
  const differences = pairs.map(([at, value]) => Math.abs(value - (numbers[at] ?? NaN)));
  const difference = maxOf(differences) / maxOf(numbers.map(Math.abs));
  return Number.isNaN(difference) ? Infinity : difference;
}

/** Runs a program in the folder of its card, with the packages of `root` or of `python`; resolves to what it printed. */
export async function runCardProgram(
  { file, code }: CardProgram,
  folder: string,
  root: string,
  python: string,
): Promise<string> {
  writeFileSync(path.join(folder, file), code);
  if (file.endsWith('.html')) return runInBrowser(file, folder, root);
  const modules = path.join(folder, 'node_modules');
  if (!existsSync(modules)) symlinkSync(path.join(root, 'node_modules'), modules);
  const command = file.endsWith('.py') ? python : process.execPath;
  const { status, stdout, stderr } = spawnSync(command, [file], { cwd: folder, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new UserError(stderr.trim().split('\n').at(-1) ?? `it ended with ${status}`);
}

/** The address that the card names gives the files of the installed package; nothing leaves this machine. */
async function runInBrowser(file: string, folder: string, root: string): Promise<string> {
  const server = await serve({ card: path.resolve(folder) });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  try {
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) => {
      page.on('pageerror', ({ message }) => reject(new UserError(message)));
      page.on('requestfailed', (request) => reject(new UserError(`${request.url()} was not loaded`)));
    });
    failed.catch(() => undefined);
    const runtime = path.join(root, 'node_modules', 'onnxruntime-web');
    await page.route('https://cdn.jsdelivr.net/npm/onnxruntime-web@*/**', (route) => {
      const [, inside] = /onnxruntime-web@[^/]+\/(.*)$/.exec(route.request().url()) ?? [];
      return route.fulfill({
        path: path.join(runtime, inside ?? ''),
        headers: { 'access-control-allow-origin': '*' },
        contentType: inside?.endsWith('.wasm') ? 'application/wasm' : 'text/javascript',
      });
    });
    await page.goto(`${server.address}/card/${file}`);
    const shown = page.locator('pre', { hasText: /\d/ });
    await Promise.race([failed, shown.waitFor()]);
    return await shown.innerText();
  } finally {
    await browser.close();
    await server.close();
  }
}
