/** The memory of batches: slots of a block behind one another, given out again when the whole block is back. */
import { BatchMemory, type Slot } from '../../../src/data/batches/memory';

const options = { batch: 3, image: { size: 2, channels: 3 } };
const all = {
  ...options,
  labels: { classes: 2 },
  patchOrder: { grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'random' as const },
  unlabelled: { spec: 'x', ratio: 2, strong: { randAugment: 0, magnitude: 1, cutout: 0 } },
};
const slots = (memory: BatchMemory, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => memory.slot(from + i));

test('arrays of what is asked for, each of its size', () => {
  const slot = new BatchMemory(all, 1).slot(0);
  const lengths = Object.entries(slot).map(([name, array]) => [name, array.constructor.name, array.length]);
  expect(lengths).toEqual([
    ['images', 'Uint8Array', 36],
    ['labels', 'BigInt64Array', 3],
    ['patch_order', 'BigInt64Array', 48],
    ['unlabelled_weak', 'Uint8Array', 72],
    ['unlabelled_strong', 'Uint8Array', 72],
  ]);
  for (const array of Object.values(slot)) expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
  const { images, ...others } = new BatchMemory(options, 1).slot(0);
  expect(images).toHaveLength(36);
  expect(Object.values(others)).toEqual([undefined, undefined, undefined, undefined]);
});

test('the steps of a block lie behind one another, whatever step is the first', () => {
  const memory = new BatchMemory(all, 4);
  const [last, ...block] = slots(memory, 7, 12);
  for (const name of ['images', 'labels', 'patch_order', 'unlabelled_weak', 'unlabelled_strong'] as const) {
    const arrays = block.map((slot) => slot[name] as Uint8Array);
    const [{ buffer, byteLength }] = arrays;
    expect(arrays.map((array) => [array.buffer === buffer, array.byteOffset])).toEqual(
      [0, 1, 2, 3].map((i) => [true, i * byteLength]),
    );
    expect((last[name] as Uint8Array).buffer).not.toBe(buffer);
  }
});

describe('given back', () => {
  const sameMemory = (a: Slot, b: Slot) => a.images.buffer === b.images.buffer;

  test('a block is used again when all of its slots are back, and not before', () => {
    const memory = new BatchMemory(options, 2);
    const [a, b, c, d] = slots(memory, 0, 4);
    memory.release(a);
    const [e, f] = slots(memory, 4, 6);
    expect([a, c].some((held) => sameMemory(held, e))).toBe(false);
    memory.release(b);
    expect(sameMemory(memory.slot(6), a)).toBe(true);
    for (const slot of [c, d, e, f]) memory.release(slot);
    // the one that is being given out goes on
    expect(sameMemory(memory.slot(7), a)).toBe(true);
    const again = slots(memory, 8, 12);
    expect(again.filter((slot) => sameMemory(slot, c))).toHaveLength(2);
    expect(again.filter((slot) => sameMemory(slot, e))).toHaveLength(2);
  });

  test('twice is once, and of a block that is still given out nothing', () => {
    const memory = new BatchMemory(options, 2);
    const [a] = slots(memory, 0, 1);
    memory.release(a);
    memory.release(a);
    const b = memory.slot(1);
    expect(sameMemory(a, b)).toBe(true);
    const c = memory.slot(2);
    expect(sameMemory(b, c)).toBe(false);
    memory.release(b);
    expect([memory.slot(3), memory.slot(4)].map((slot) => sameMemory(slot, a))).toEqual([false, true]);
  });
});
