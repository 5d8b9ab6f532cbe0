/** How models say what images they take: sizes, bands and bits, by their input and their metadata. */
import { imageForm } from '../../src/inference/imageForm';
import type { ModelInfo } from '../../src/inference/modelWorker';

const of = (dtype: string, shape: (number | string)[], metadata: Record<string, string> = {}) =>
  imageForm({ inputs: [{ name: 'x', dtype, shape }], outputs: [], metadata } as unknown as ModelInfo);
const numbers = (count: number) => JSON.stringify(Array.from({ length: count }, () => 0.5));
const statistics = (count: number) => ({ mean: numbers(count), std: numbers(count) });
const recipe = (image: object) => ({ recipe: JSON.stringify({ image }) });

test('normalized images: squares, rectangles, any channels, and the bits of the recipe', () => {
  expect(of('float32', ['b', 3, 32, 32], statistics(3))?.image).toMatchObject({ size: 32, channels: 3 });
  expect(of('float32', ['b', 3, 32, 32], statistics(3))?.image).not.toHaveProperty('height');
  expect(of('float32', ['b', 13, 32, 48], statistics(13))?.image).toMatchObject({
    ...{ height: 32, width: 48, channels: 13 },
  });
  const wide = { ...statistics(1), ...recipe({ size: 8, bits: 16 }) };
  expect(of('float32', ['b', 1, 8, 8], wide)?.image.bits).toBe(16);
  expect(of('float32', ['b', 3, 32, 32], statistics(4))).toBeNull();
  expect(of('float32', ['b', 3, 'h', 'w'], statistics(3))).toBeNull();
});

test('pixels: by their dtype, and of any size by the recipe', () => {
  expect(of('uint8', ['b', 32, 48, 4])).toMatchObject({
    form: 'uint8',
    image: { height: 32, width: 48, channels: 4 },
  });
  expect(of('uint16', ['b', 8, 8, 2])?.image).toMatchObject({ size: 8, channels: 2, bits: 16 });
  expect(of('uint8', ['b', 'h', 'w', 3], recipe({ size: 32, height: 16, width: 24 }))?.image).toMatchObject({
    ...{ height: 16, width: 24 },
  });
  for (const bad of [{}, recipe({}), recipe({ size: -1 }), { recipe: 'null' }, { recipe: '{"image":3}' }])
    expect(of('uint8', ['b', 'h', 'w', 3], bad)).toBeNull();
  expect(of('int32', ['b', 8, 8, 3])).toBeNull();
});
