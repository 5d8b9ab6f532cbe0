/** What the machine can do: the fastest of several square matrix products. */
import path from 'node:path';
import { Random } from '../base/random';
import { writeModel } from '../onnx/files';
import { plainModel } from '../onnx/model';
import type { SessionSettings } from '../runtime/providers';
import { flops } from './flops';
import { profiled } from './profiled';

export interface Peak {
  readonly size: number;
  readonly gflops: number;
}

/** Sides of the square products, and how often each is run before and after the steps. */
const PEAK_RUNS: readonly (readonly [size: number, runs: number])[] = [
  [768, 10],
  [1536, 4],
];

/** The fastest of several square float32 products, timed by the profiler as the steps' kernels are. */
export async function measurePeak(folder: string, settings: SessionSettings): Promise<Peak | null> {
  if (settings.provider !== 'cpu') return null;
  let peak: Peak = { size: 0, gflops: 0 };
  for (const [size, count] of PEAK_RUNS) {
    const model = path.join(folder, `product-${size}.onnx`);
    writeProduct(model, size);
    const random = new Random(0, 'peak');
    const data = Float32Array.from({ length: size * size }, () => random.uniform() - 0.5);
    const tensor = { dtype: 'float32', shape: [size, size], data } as const;
    const { runs } = await profiled({ folder, name: `product-${size}` }, model, settings, async (session) => {
      for (let i = 0; i < count; i++)
        await session.run(
          new Map([
            ['a', tensor],
            ['b', tensor],
          ]),
        );
    });
    for (const kernel of runs.flatMap(({ kernels }) => kernels)) {
      const gflops = flops(kernel) / kernel.us / 1000;
      if (gflops > peak.gflops) peak = { size, gflops };
    }
  }
  return peak;
}

function writeProduct(file: string, size: number): void {
  const matrix = (name: string) => ({ name, dtype: 'float32', shape: [size, size] }) as const;
  writeModel(
    file,
    plainModel({
      name: 'product',
      inputs: [matrix('a'), matrix('b')],
      outputs: [matrix('c')],
      initializers: [],
      nodes: [
        { name: 'product', opType: 'MatMul', domain: '', inputs: ['a', 'b'], outputs: ['c'], attributes: [] },
      ],
    }),
  );
}
