/** Pictures of any size inside a model, beside what evaluation decodes. */
import path from 'node:path';
import sharp from 'sharp';
import { decodeCenter, encodePng } from '../../../src/data/images/decode';
import { Random } from '../../../src/base/random';
import { preprocessGraph } from '../../../src/export/model/input';
import { OPSETS } from '../../../src/export/model/opset';
import { emitGraph, toModel } from '../../../src/graph/emit';
import { writeModel } from '../../../src/onnx/files';
import { createSession } from '../../../src/runtime/session';
import { inTemporaryFolder } from '../../support/temporary';

/** Values in levels of 0 to 255. */
const LEVELS = { channels: 3, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

/** Blobs of a tenth of the picture, uint8 [height, width, 3]. */
async function picture(width: number, height: number): Promise<Uint8Array> {
  const [columns, rows] = [width, height].map((side) => Math.max(2, Math.round(side / 10)));
  const random = new Random(0, `${width} x ${height}`);
  const pixels = Uint8Array.from({ length: rows * columns * 3 }, () => random.integer(256));
  const small = sharp(pixels, { raw: { width: columns, height: rows, channels: 3 } });
  return new Uint8Array(await small.resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer());
}

// What is left is rounding to 8 bits, twice, and from a fourth of the size on that libvips filters in two passes.
// Where it enlarges, it places by parts of a pixel.
const SQUARE = { size: 32 };
const WIDE = { size: 1, width: 48, height: 20 };
test.each([
  [150, 117, SQUARE, 0.5],
  [64, 48, SQUARE, 0.5],
  [41, 90, SQUARE, 0.5],
  [32, 32, SQUARE, 1e-3],
  [500, 375, SQUARE, 2],
  [150, 117, WIDE, 0.5],
  [150, 40, WIDE, 0.5],
  [48, 20, WIDE, 1e-3],
  [20, 48, WIDE, 1.5],
  [60, 90, WIDE, 0.5],
])(
  '%d x %d pixels for %j: the mean difference is below %d of 255 levels',
  async (width, height, sides, most) => {
    const image = { ...LEVELS, ...sides };
    await inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'preprocess.onnx');
      writeModel(file, toModel(emitGraph(preprocessGraph(image), OPSETS.first), {}, OPSETS.first));
      const pixels = await picture(width, height);
      const png = await encodePng({ width, height, channels: 3, pixels });
      const decoded = await decodeCenter(png, 'blobs', image);
      const session = await createSession(file, { provider: 'cpu', threads: 1 });
      // a batch of two, of which the second is black
      const data = new Uint8Array(2 * pixels.length);
      data.set(pixels);
      const inputs = new Map([['image', { dtype: 'uint8', shape: [2, height, width, 3], data } as const]]);
      const found = await session.run(inputs).finally(() => session.release());
      const values = found.get('pixels')?.data as Float32Array;
      const plane = decoded.width * decoded.height;
      expect(values).toHaveLength(2 * 3 * plane);
      const away = Array.from(decoded.pixels, (level, i) =>
        Math.abs(level - values[(i % 3) * plane + Math.floor(i / 3)]),
      );
      expect(away.reduce((a, b) => a + b) / away.length).toBeLessThan(most);
      expect(values.subarray(3 * plane).every((value) => value === 0)).toBe(true);
    });
  },
);
