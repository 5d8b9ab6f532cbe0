/** Damaged Parquet files end within bounds, in words, or give what they hold. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../../src/base/random';
import { UserError } from '../../../src/base/errors';
import { WorkerCalls } from '../../../src/base/workerCalls';
import { openParquet } from '../../../src/data/sources/parquet';
import { ParquetThread } from '../../../src/data/sources/parquetThread';
import { contentOf } from '../../../src/run/content';
import { describeShared, sharedData } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';

describeShared('a Parquet file with a flipped bit', () => {
  const good = path.join(sharedData, 'inputs', 'pq_strlabel.parquet');

  test(
    'is refused in words, or read',
    () =>
      inTemporaryFolder(async (folder) => {
        const file = path.join(folder, 'x.parquet');
        const whole = readFileSync(good);
        const random = new Random(3, 'damage');
        let refused = 0;
        for (let i = 0; i < 60; i++) {
          const bytes = Buffer.from(whole);
          // every other one in the index at the end, which has the counts
          const at = i % 2 === 0 ? random.integer(whole.length) : whole.length - 1 - random.integer(2000);
          bytes[at] ^= 1 << random.integer(8);
          writeFileSync(file, bytes);
          try {
            const source = await openParquet(file, 'train');
            try {
              contentOf(source);
              for (let index = 0; index < source.length; index += 7) await source.bytes(index);
            } finally {
              source.close();
            }
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
            refused++;
          }
        }
        expect(refused).toBeGreaterThan(3);
      }),
    60_000,
  );

  test('costs the other files of its thread nothing', async () => {
    const thread = new ParquetThread();
    try {
      const wrong = thread.describe(path.join(sharedData, 'inputs', 'wds_seg.tar'));
      const right = thread.describe(good);
      await expect(wrong).rejects.toThrow(/wds_seg\.tar cannot be read as Parquet: /);
      expect((await right).columns).toContain('label');
    } finally {
      thread.close();
    }
  });

  test('a request that does not end is ended with its thread, and says so', async () => {
    const terminate = jest.spyOn(WorkerCalls.prototype, 'terminate');
    const thread = new ParquetThread(0);
    try {
      await expect(thread.describe(good)).rejects.toThrow(
        `${good} cannot be read as Parquet: it takes longer than 0 s; it is damaged`,
      );
      expect(terminate).toHaveBeenCalledTimes(1);
    } finally {
      terminate.mockRestore();
      thread.close();
    }
  });

  test('a request is handed over once those before it are answered, so that its time is its own', async () => {
    const call = jest.spyOn(WorkerCalls.prototype, 'call');
    const thread = new ParquetThread();
    try {
      const first = thread.column(good, { column: 'label', utf8: true });
      const second = thread.describe(good);
      await new Promise(setImmediate);
      expect(call).toHaveBeenCalledTimes(1);
      expect(await first).toHaveLength(40);
      expect((await second).columns).toContain('label');
      expect(call).toHaveBeenCalledTimes(2);
    } finally {
      call.mockRestore();
      thread.close();
    }
  });
});
