/** Pieces of the page of `export --to web` that need no browser. */
import { CENTER_CROP } from '../../../src/data/images/transforms';
import { asInput } from '../../../src/export/samples';
import { recipeSchema } from '../../../src/bundle/recipe';
import { toInput } from '../../../src/web/model/input';
import { Nearest } from '../../../src/web/model/neighbours';

const { image } = recipeSchema.parse({ task: 'finetune' });
const noise = (width: number, height: number) => ({
  ...{ width, height, channels: 3 },
  pixels: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 256),
});

test('pixels of the right size are normalized as the trainer does', () => {
  const { pixels } = noise(32, 32);
  const expected = asInput({ dtype: 'uint8', shape: [1, 32, 32, 3], data: pixels }, 'float', image);
  expect(toInput(noise(32, 32), image)).toEqual(expected.data);
});

test('of others the middle is taken', () => {
  const photo = noise(100, 64);
  const [left, top, side] = [22, 4, CENTER_CROP * 64];
  // the filter reaches less than two pixels beyond
  const near = (at: number, from: number) => at >= from - 2 && at < from + side + 2;
  const changed = photo.pixels.map((value, at) => {
    const [x, y] = [Math.floor(at / 3) % 100, Math.floor(at / 300)];
    return near(x, left) && near(y, top) ? value : 0;
  });
  const centre = photo.pixels.map((value, at) => (at === (32 * 100 + 50) * 3 ? 255 - value : value));
  const found = toInput(photo, image);
  expect(toInput({ ...photo, pixels: changed }, image)).toEqual(found);
  expect(toInput({ ...photo, pixels: centre }, image)).not.toEqual(found);
});

test('gray has one channel', () => {
  const gray = { ...image, channels: 1, mean: [0.5], std: [0.25] };
  const white = { width: 40, height: 40, channels: 3, pixels: new Uint8Array(4800).fill(255) };
  expect(toInput(white, gray)).toEqual(new Float32Array(1024).fill(2));
});

test('nearest by angle, never itself; only what changed is told', () => {
  const nearest = new Nearest(2);
  const rows = [
    [1, 0],
    [2, 0.1],
    [0, 3],
    [0, 0],
    [1, 0.1],
  ].map((values) => Float32Array.from(values));
  expect(rows.slice(0, 4).map((row) => nearest.add(row))).toEqual([[0], [0, 1], [0, 1, 2], [3]]);
  const lists = () => rows.slice(0, 4).map((_, i) => nearest.of(i).map(({ index }) => index));
  expect(lists()).toEqual([
    [1, 2],
    [0, 2],
    [1, 0],
    [0, 1],
  ]);
  expect(nearest.of(0)[0].cosine).toBeCloseTo(2 / Math.hypot(2, 0.1), 6);
  expect(nearest.add(rows[4])).toEqual([0, 1, 2, 4]);
  expect(lists()).toEqual([
    [1, 4],
    [4, 0],
    [4, 1],
    [0, 1],
  ]);
});
