/** Folders of two classes of images that are no ordinary photographs: rectangles, bands, arrays of NumPy, 16 bits. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../src/base/random';
import { encodeNpy } from './npy';
import { encodeTiff } from './tiff';

export interface Kind {
  readonly file: 'png' | 'tif' | 'npy';
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bits: 8 | 16;
}

export const KINDS = {
  rectangle: { file: 'png', width: 24, height: 16, channels: 3, bits: 8 },
  bands: { file: 'tif', width: 18, height: 18, channels: 4, bits: 8 },
  arrays: { file: 'npy', width: 16, height: 16, channels: 13, bits: 16 },
  widePng: { file: 'png', width: 16, height: 16, channels: 3, bits: 16 },
  wideTiff: { file: 'tif', width: 20, height: 17, channels: 1, bits: 16 },
} as const satisfies Readonly<Record<string, Kind>>;

/** Stripes along or across, by class, and noise. */
export function stripes({ width, height, channels, bits }: Kind, label: number, seed: number) {
  const random = new Random(seed, 'stripes', label);
  const phase = random.uniform() * 6;
  const value = (_: unknown, i: number) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const wave = Math.sin((label === 0 ? x : y) / 2 + phase + (i % channels));
    return Math.round((2 ** bits - 1) * (0.5 + 0.3 * wave + 0.15 * random.uniform()));
  };
  const length = width * height * channels;
  return bits === 16 ? Uint16Array.from({ length }, value) : Uint8Array.from({ length }, value);
}

export async function encodeKind(kind: Kind, pixels: Uint8Array | Uint16Array): Promise<Buffer> {
  const { file, width, height, channels, bits } = kind;
  if (file === 'npy') return encodeNpy(pixels, [height, width, channels]);
  if (file === 'tif') return encodeTiff(pixels, { width, height, channels });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return (bits === 16 ? image.toColourspace('rgb16') : image).png().toBuffer();
}

/** `train` and `test` with so many images of each class. */
export async function writeMeasured(
  directory: string,
  kind: Kind,
  train: number,
  test: number,
): Promise<void> {
  for (const [split, count] of [
    ['train', train],
    ['test', test],
  ] as const)
    for (const label of [0, 1]) {
      const folder = path.join(directory, split, ['along', 'across'][label]);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = stripes(kind, label, i + (split === 'test' ? 1000 : 0));
        writeFileSync(
          path.join(folder, `${String(i).padStart(3, '0')}.${kind.file}`),
          await encodeKind(kind, pixels),
        );
      }
    }
}

/** What a recipe says of such images; `sides` in the place of the kind's own. */
export function settingsOf({ width, height, channels, bits }: Kind, sides = { width, height }): string[] {
  const each = (value: number) => Array.from({ length: channels }, () => value).join(',');
  return [
    ...(sides.width === sides.height
      ? [`image.size=${sides.width}`]
      : [`image.height=${sides.height}`, `image.width=${sides.width}`]),
    `image.channels=${channels}`,
    `image.mean=[${each(0.5)}]`,
    `image.std=[${each(0.25)}]`,
    ...(bits === 16 ? ['image.bits=16'] : []),
  ];
}
