/** Batches of any shape, beside a plain reference: rectangles, any channels, 8 and 16 bits, every mask. */
import path from 'node:path';
import fc from 'fast-check';
import { Random } from '../../../src/base/random';
import { MASK_SHAPES } from '../../../src/bundle/recipe';
import { shapedPatchOrder } from '../../../src/data/batches/maskShapes';
import { augmentRandom } from '../../../src/data/images/transforms';
import { writePacked } from '../../../src/data/sources/packed';
import { allocatePixels, type Pixels } from '../../../src/tensors/pixels';
import { take } from '../../support/batches';
import { inTemporaryFolder } from '../../support/temporary';

const IMAGES = 5;
const BATCH = 2;
const SEED = 4;

interface Shape {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bits: 8 | 16;
}

const imageOf = ({ width, height, channels, bits }: Shape, index: number): Pixels => {
  const random = new Random(index, 'image');
  return allocatePixels(bits, width * height * channels).map(() => random.integer(2 ** bits));
};

/** One pixel after the other: zero-padded, cropped at (x, y), mirrored; in the bits that are asked for. */
function reference(
  shape: Shape,
  index: number,
  epoch: number,
  pad: number,
  flip: boolean,
  bits: 8 | 16,
): number[] {
  const { width, height, channels } = shape;
  const stored = imageOf(shape, index);
  const random = augmentRandom(SEED, epoch, index);
  const [x, y] = [0, 0].map(() => (pad > 0 ? random.integer(2 * pad + 1) : 0));
  const mirrored = flip && random.uniform() < 0.5;
  const result: number[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const fromRow = row + y - pad;
      const fromColumn = (mirrored ? width - 1 - column : column) + x - pad;
      const inside = fromRow >= 0 && fromRow < height && fromColumn >= 0 && fromColumn < width;
      for (let c = 0; c < channels; c++) {
        const value = inside ? stored[(fromRow * width + fromColumn) * channels + c] : 0;
        result.push(bits === shape.bits ? value : bits === 16 ? 257 * value : Math.floor(value / 256));
      }
    }
  return result;
}

test('the loader gives what the reference makes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        patch: fc.integer({ min: 1, max: 3 }),
        rows: fc.integer({ min: 1, max: 4 }),
        columns: fc.integer({ min: 2, max: 4 }),
        channels: fc.integer({ min: 1, max: 13 }),
        stored: fc.constantFrom(8 as const, 16 as const),
        bits: fc.constantFrom(8 as const, 16 as const),
        pad: fc.integer({ min: 0, max: 3 }),
        flip: fc.boolean(),
        mask: fc.constantFrom(...MASK_SHAPES),
        step: fc.integer({ min: 0, max: 6 }),
      }),
      ({ patch, rows, columns, channels, stored, bits, pad, flip, mask, step }) =>
        inTemporaryFolder(async (folder) => {
          const shape = { width: columns * patch, height: rows * patch, channels, bits: stored };
          const file = path.join(folder, 'x.pack');
          const { width, height } = shape;
          async function* images() {
            for (let i = 0; i < IMAGES; i++)
              yield await Promise.resolve({ pixels: imageOf(shape, i), label: null });
          }
          const wide = stored === 16 && { bits: stored };
          const header = { source: 'x', width, height, channels, ...wide, resizable: false, classes: null };
          await writePacked(file, header, [{ split: 'all', images: images() }]);
          const grid = { rows, columns };
          const hidden = 1 + (step % (rows * columns - 1));
          const [batch] = await take(
            {
              spec: `packed:${file}`,
              split: 'train',
              mode: 'train',
              batch: BATCH,
              seed: SEED,
              startStep: step,
              image: { size: 1, height, width, channels, bits },
              augment: { pad: Math.min(pad, width, height), flip, cropScale: 0 },
              patchOrder: { grid, hidden, mask },
            },
            1,
          );
          const { indices, epoch } = batch;
          const wanted = [...indices].flatMap((index) =>
            reference(shape, index, epoch, Math.min(pad, width, height), flip, bits),
          );
          expect([...batch.images]).toEqual(wanted);
          expect(batch.images.BYTES_PER_ELEMENT).toBe(bits / 8);
          const orders = [...indices].flatMap((index) => [
            ...shapedPatchOrder(mask, SEED, epoch, index, grid, hidden),
          ]);
          expect(Array.from(batch.patch_order ?? [], Number)).toEqual(orders);
        }),
    ),
    { numRuns: 25 },
  ));
