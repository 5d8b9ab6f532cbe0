/** Adds up the gradients of several runs of `grad.onnx`, and hands out their mean. */
import type { HostTensor } from '../tensors/dtype';

export class GradientSum {
  private readonly sums = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  private count = 0;

  /** Adds one run's gradients, all float32; the first run's arrays are taken over. */
  add(gradients: Iterable<readonly [string, HostTensor]>): void {
    this.count++;
    for (const [name, { dtype, shape, data }] of gradients) {
      if (dtype !== 'float32') throw new Error(`gradient ${name} is ${dtype}, not float32`);
      const sum = this.sums.get(name);
      if (!sum) {
        this.sums.set(name, { shape, data: data as Float32Array });
        continue;
      }
      for (let i = 0; i < data.length; i++) sum.data[i] += data[i] as number;
    }
  }

  /** The mean of the gradient called `name` over the runs since `clear`. */
  mean(name: string): HostTensor {
    const sum = this.sums.get(name);
    if (!sum) throw new Error(`no gradient ${name} was added`);
    const { shape, data } = sum;
    return {
      dtype: 'float32',
      shape,
      data: this.count === 1 ? data : data.map((value) => value / this.count),
    };
  }

  clear(): void {
    this.sums.clear();
    this.count = 0;
  }
}
