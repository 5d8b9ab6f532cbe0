/** Skipped images are named once, however often they come and whatever libvips says of them. */
import { BrokenImages } from '../../src/training/broken';

test('an image counts once by where it is; the same index of another source is another image', () => {
  const lines: string[] = [];
  const broken = new BrokenImages((line) => lines.push(line));
  const batch = (where: string, reason: string) => ({ broken: [{ index: 2, where, reason }] });
  broken.add([batch('a/2.jpg', 'a/2.jpg cannot be decoded: cut off')]);
  broken.add([
    batch('a/2.jpg', 'a/2.jpg cannot be decoded: read error'),
    batch('b/2.png', 'b/2.png is empty'),
  ]);
  expect(broken.count).toBe(2);
  expect(lines).toEqual(['skipped: a/2.jpg cannot be decoded: cut off', 'skipped: b/2.png is empty']);
});
