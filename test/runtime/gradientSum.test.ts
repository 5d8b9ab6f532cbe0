/** The mean of the gradients of several runs. */
import { GradientSum } from '../../src/runtime/gradientSum';
import type { HostTensor } from '../../src/tensors/dtype';

const float = (values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

test('mean of summed gradients', () => {
  const sum = new GradientSum();
  sum.add([['grad.w', float([1, 2])]]);
  sum.add([['grad.w', float([3, 5])]]);
  expect(sum.mean('grad.w')).toEqual(float([2, 3.5]));
  // the first run's array was taken, the others' were not
  sum.clear();
  expect(() => sum.mean('grad.w')).toThrow('no gradient grad.w');
});
