/** Writes small labelled images: each class has its own colour, with a little noise. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../src/base/random';

/** `count` PNGs of 32 x 32 over `classes` class folders, round robin. */
export async function writeImageFolder(directory: string, count: number, classes = 10): Promise<void> {
  for (let i = 0; i < count; i++) {
    const label = i % classes;
    const folder = path.join(directory, `class${label}`);
    mkdirSync(folder, { recursive: true });
    const random = new Random(7, 'image', i);
    const colour = new Random(7, 'colour', label);
    const base = [colour.integer(256), colour.integer(256), colour.integer(256)];
    const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) =>
      Math.max(0, Math.min(255, base[at % 3] + random.integer(61) - 30)),
    );
    const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } });
    await image.png().toFile(path.join(folder, `${String(i).padStart(4, '0')}.png`));
  }
}
