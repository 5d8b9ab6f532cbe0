/** Many requests at once on a real model: shared batches, right answers, and a clear refusal when the queue is full. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { type Answer, firstData, post, scaleRequest, withServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';

const rowOf = (i: number) => [i, i + 0.25, i + 0.5, i + 0.75];
const tripled = (i: number) => rowOf(i).map((value) => 3 * value);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test('concurrent requests share batches, and every answer belongs to its request', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(3));
    // Nothing but a full batch ends the waiting, so that it does not matter when they come.
    await withServer(folder, { maxBatch: 16, delay: 1e9 }, async ({ url }) => {
      const infer = `${url}/v2/models/scale/infer`;
      const answers = await Promise.all(range(64).map((i) => post(infer, scaleRequest(rowOf(i)))));
      expect(answers.map(firstData)).toEqual(range(64).map(tripled));
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const [, calls] = /selfie_batch_rows_count\{[^}]*\} (\d+)/.exec(metrics) ?? [];
      const [, rows] = /selfie_batch_rows_sum\{[^}]*\} (\d+)/.exec(metrics) ?? [];
      expect([Number(calls), Number(rows)]).toEqual([4, 64]);
    });
  }));

test('429 where the queue is full; what was accepted is answered', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'slow', 1, scaleModel(3, 4));
    writeFileSync(path.join(folder, 'slow', 'config.pbtxt'), 'max_batch_size: 0');
    await withServer(folder, { maxQueue: 3 }, async ({ url }) => {
      const infer = `${url}/v2/models/slow/infer`;
      let refused: Answer[] = [];
      // They come one after the other: how many of them at once depends on the machine.
      while (refused.length === 0) {
        const answers = await Promise.all(range(24).map((i) => post(infer, scaleRequest(rowOf(i)))));
        refused = answers.filter(({ status }) => status === 429);
        const accepted = range(24).filter((i) => answers[i].status !== 429);
        expect(accepted.length).toBeGreaterThan(0);
        expect(accepted.map((i) => firstData(answers[i]))).toEqual(accepted.map(tripled));
      }
      for (const { json, headers } of refused) {
        expect(json).toEqual({ error: expect.stringContaining('requests wait already') as string });
        expect(headers.get('retry-after')).toBe('1');
      }
    });
  }));
