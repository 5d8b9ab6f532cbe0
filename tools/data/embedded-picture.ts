/** Writes src/data/sources/embedded/embedded.png: eight training images of each class of the embedded data set, under its name. */
import path from 'node:path';
import sharp from 'sharp';
import { EMBEDDED_CLASSES, EMBEDDED_SIZE, embeddedImage } from '../../src/data/sources/embedded/embedded';

const SAMPLES = 8;
const ZOOM = 3;
const GAP = 4;
const NAME_WIDTH = 170;
const CELL = EMBEDDED_SIZE * ZOOM + GAP;

async function main(file: string): Promise<void> {
  const drawn = EMBEDDED_CLASSES.map(() => 0);
  const tiles: sharp.OverlayOptions[] = [];
  for (let index = 0; drawn.some((count) => count < SAMPLES); index++) {
    const { pixels, label } = embeddedImage(0, 'train', index);
    if (drawn[label] === SAMPLES) continue;
    const input = await sharp(pixels, { raw: { width: EMBEDDED_SIZE, height: EMBEDDED_SIZE, channels: 3 } })
      .resize(EMBEDDED_SIZE * ZOOM, EMBEDDED_SIZE * ZOOM, { kernel: 'nearest' })
      .png()
      .toBuffer();
    tiles.push({ input, left: NAME_WIDTH + drawn[label]++ * CELL, top: GAP + label * CELL });
  }
  const width = NAME_WIDTH + SAMPLES * CELL;
  const height = GAP + EMBEDDED_CLASSES.length * CELL;
  const names = EMBEDDED_CLASSES.map(
    (name, label) =>
      `<text x="${NAME_WIDTH - 12}" y="${GAP + label * CELL + CELL / 2}" text-anchor="end">${name}</text>`,
  );
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="15">${names.join('')}</svg>`;
  await sharp({ create: { width, height, channels: 3, background: 'white' } })
    .composite([{ input: Buffer.from(text), left: 0, top: 0 }, ...tiles])
    .png({ palette: true })
    .toFile(file);
}

void main(process.argv[2] ?? path.join('src', 'data', 'sources', 'embedded', 'embedded.png'));
