/** The thread of a model takes arrays as they come: whole ones, parts of others, and small Buffers, which lie in a pool. */
import path from 'node:path';
import { ModelThread } from '../../src/inference/modelThread';
import { writeModel } from '../../src/onnx/files';
import { scaleModel } from '../../tools/bench/servingModel';
import { inTemporaryFolder } from '../support/temporary';

const input = (data: Float32Array) =>
  new Map([['x', { dtype: 'float32' as const, shape: [data.length / 4, 4], data }]]);

test('memory that is all of an array is moved, and a part of one leaves the rest as it was', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'model.onnx');
    writeModel(file, scaleModel(3));
    const { thread } = await ModelThread.open(file, { provider: 'cpu', threads: 1 });
    const scaled = async (data: Float32Array) =>
      Array.from((await thread.run(input(data))).get('y')?.data as Float32Array);
    try {
      const whole = Float32Array.of(1, 2, 3, 4);
      expect(await scaled(whole)).toEqual([3, 6, 9, 12]);
      expect(whole.length).toBe(0);

      const all = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      expect(await scaled(all.subarray(4))).toEqual([15, 18, 21, 24]);
      expect([...all]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);

      const pooled = Buffer.concat([Buffer.from(Float32Array.of(1, 0).buffer), Buffer.alloc(8)]);
      expect(pooled.buffer.byteLength).toBeGreaterThan(16);
      expect(await scaled(new Float32Array(pooled.buffer, pooled.byteOffset, 4))).toEqual([3, 0, 0, 0]);
      // what cannot be handed over is refused, and the thread goes on
      await expect(scaled(new Float32Array(new SharedArrayBuffer(16)))).rejects.toThrow();
      expect(await scaled(Float32Array.of(0, 0, 0, 1))).toEqual([0, 0, 0, 3]);
    } finally {
      await thread.close();
    }
  }));
