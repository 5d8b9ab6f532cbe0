/** The patch task of one image and its picture. */
import { corner, isRight, patchPixels, patchTask, pickedPixels, visiblePixels } from '../../src/draw/patches';
import { patchPicture } from '../../src/draw/patchPicture';
import { pixelsUri, svgToPng } from '../../src/draw/png';
import { standalone } from '../../src/draw/theme';

/** 4 x 4 pixels in 2 x 2 patches, gray; places 1 and 2 hidden; both queries pick candidate 0, the patch of place 1. */
const task = patchTask({
  ...{ width: 4, height: 4, channels: 1, patch: 2 },
  image: Uint8Array.from({ length: 16 }, (_, i) => i),
  order: [0, 3, 1, 2],
  logits: Float32Array.of(Math.log(3), 0, 1, 0),
});

test('a patch task: scores, picks, and the three images', () => {
  expect(task.hidden).toEqual([1, 2]);
  expect(task.scores[0]).toBeCloseTo(0.75, 6);
  expect(task.scores[2] + task.scores[3]).toBeCloseTo(1, 6);
  expect(task.picked).toEqual([0, 0]);
  expect([isRight(task, 0), isRight(task, 1)]).toEqual([true, false]);
  expect(corner(task, 2)).toEqual({ x: 0, y: 2 });
  expect(Array.from(patchPixels(task, 1))).toEqual([2, 3, 6, 7]);
  expect(Array.from(visiblePixels(task))).toEqual([
    ...[0, 1, 128, 128],
    ...[4, 5, 128, 128],
    ...[128, 128, 10, 11],
    ...[128, 128, 14, 15],
  ]);
  expect(Array.from(pickedPixels(task))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 2, 3, 10, 11, 6, 7, 14, 15]);
});

test('a rectangle: places run through its columns, and the panels have its ratio', async () => {
  // 2 x 6 pixels in 1 x 3 patches
  const wide = patchTask({
    ...{ width: 6, height: 2, channels: 1, patch: 2 },
    image: Uint8Array.from({ length: 12 }, (_, i) => i),
    order: [0, 1, 2],
    logits: Float32Array.of(0, 1, 1, 0),
  });
  expect(corner(wide, 2)).toEqual({ x: 4, y: 0 });
  expect(Array.from(patchPixels(wide, 2))).toEqual([4, 5, 10, 11]);
  expect(Array.from(pickedPixels(wide))).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 10, 11, 8, 9]);
  const svg = await patchPicture(wide, 'wide', pixelsUri);
  expect(svg).toMatch(/<image x="0" y="30" width="224" height="74.6\d*"/);
});

test('its picture marks one right and one wrong, and becomes a PNG', async () => {
  const svg = await patchPicture(task, 'a & b', pixelsUri);
  expect(svg.match(/✓/g)).toHaveLength(1);
  expect(svg.match(/✗/g)).toHaveLength(1);
  expect(svg).toContain('picked: 1 of 2 right');
  expect(svg).toContain('a &amp; b');
  const png = await svgToPng(standalone(svg));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  const [, width] = /viewBox="0 0 (\d+)/.exec(svg) ?? [];
  expect(png.readUInt32BE(16)).toBe(2 * (Number(width) + 28));
});

test('the score of every cell is written and said, also where many patches are hidden', async () => {
  const hidden = 12;
  const many = patchTask({
    ...{ width: 8, height: 8, channels: 1, patch: 2 },
    image: new Uint8Array(64),
    order: Array.from({ length: 16 }, (_, i) => i),
    logits: Float32Array.from({ length: hidden ** 2 }, (_, i) => (i === 1 ? Math.log(33) : 0)),
  });
  const svg = await patchPicture(many, 'many', pixelsUri);
  expect(svg).toContain('<title>place 1, patch of place 2: 75.0 %</title>');
  expect(svg.match(/<title>/g)).toHaveLength(hidden ** 2);
  expect(svg.match(/>75<\/text>/g)).toHaveLength(1);
  expect(svg.match(/>8<\/text>/g)).toHaveLength(11 * hidden + 2);
});
