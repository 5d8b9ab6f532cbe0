/** What the loader is measured against on the same JPEG files: a bare loop of sharp, and PyTorch's DataLoader. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { augmentRandom, randomResizedBox } from '../../../src/data/images/transforms';

export interface DecodeTask {
  readonly files: readonly string[];
  readonly size: number;
  readonly cropScale: number;
  readonly batch: number;
  readonly seconds: number;
}

/** Images a second of read, header, random-resized crop, raw pixels: `lanes` images at a time, no loader, no batch. */
export async function bareSharp({ files, size, cropScale, seconds }: DecodeTask, lanes: number) {
  sharp.concurrency(1);
  sharp.cache(false);
  let count = 0;
  const start = performance.now();
  const lane = async () => {
    while (performance.now() - start < 1000 * seconds) {
      const i = count++;
      const bytes = await readFile(files[i % files.length]);
      const { width, height, space } = await sharp(bytes).metadata();
      const box = randomResizedBox(width, height, cropScale, augmentRandom(0, 0, i));
      const wide = Math.max(size, Math.round((width * size) / box.width));
      const high = Math.max(size, Math.round((height * size) / box.height));
      await sharp(bytes, { ignoreIcc: space !== 'cmyk' })
        .resize(wide, high, { fit: 'fill', kernel: 'linear' })
        .extract({
          left: Math.min(wide - size, Math.round((box.left * size) / box.width)),
          top: Math.min(high - size, Math.round((box.top * size) / box.height)),
          width: size,
          height: size,
        })
        .raw()
        .toBuffer();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (1000 * count) / (performance.now() - start);
}

/** Images a second of PyTorch's DataLoader with Pillow, or why there is no figure. */
export function torchLoader(python: string, task: DecodeTask, workers: number): number | string {
  const script = path.resolve('tools', 'bench', 'data', 'torch_loader.py');
  const { error, status, stdout, stderr } = spawnSync(python, [script], {
    input: JSON.stringify({ ...task, workers }),
    encoding: 'utf8',
  });
  if (error) return error.message;
  if (status !== 0) return stderr.trim().split('\n').at(-1) ?? `ended with ${status}`;
  return Number(stdout);
}
