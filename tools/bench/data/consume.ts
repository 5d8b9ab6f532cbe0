/** Consumes a loader as the trainer does, with a session that does nothing, and measures pace and waiting. */
import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { GraphContract } from '../../../src/bundle/manifest';
import { imageDims } from '../../../src/bundle/imageShape';
import { createLoader, type LoaderOptions } from '../../../src/data/batches/loader';
import type { Batch } from '../../../src/data/batches/options';
import { batchFeeds } from '../../../src/evaluation/feeds';
import type { Call } from './idleSession';

export interface Pace {
  /** images a second that the session takes; Infinity: as fast as they come */
  readonly rate: number;
  /** batches in one call */
  readonly stepsPerRun: number;
  readonly seconds: number;
}

export interface Consumed {
  readonly imagesPerSecond: number;
  /** share of the time that went by waiting for data */
  readonly dataWait: number;
  /** processor cores in use, of the whole process */
  readonly cores: number;
}

const now = () => performance.timeOrigin + performance.now();

/** Calls at the start that are not measured: threads start, files enter the system's cache. */
const WARM_UP = 3;

export async function consume(options: LoaderOptions, pace: Pace): Promise<Consumed> {
  const { rate, stepsPerRun, seconds } = pace;
  const loader = await createLoader({ ...options, prefetch: Math.max(4, stepsPerRun), block: stepsPerRun });
  const session = new Worker(path.join(__dirname, 'idleSession.js'));
  const loop = stepsPerRun > 1;
  const contract = contractOf(options, loop);
  const callMilliseconds = (1000 * stepsPerRun * options.batch) / rate;
  let start = 0;
  let waited = 0;
  let cpu = process.cpuUsage();
  try {
    for (let call = -WARM_UP; ; call++) {
      if (call === 0) {
        start = now();
        cpu = process.cpuUsage();
        waited = 0;
      }
      if (call > 0 && now() - start > 1000 * seconds) {
        const milliseconds = now() - start;
        const { user, system } = process.cpuUsage(cpu);
        return {
          imagesPerSecond: (1000 * call * stepsPerRun * options.batch) / milliseconds,
          dataWait: waited / milliseconds,
          cores: (user + system) / 1000 / milliseconds,
        };
      }
      const asked = now();
      const batches: Batch[] = [];
      while (batches.length < stepsPerRun) {
        const next = await loader.next();
        if (next.done) throw new Error('the data ended');
        batches.push(next.value);
      }
      waited += now() - asked;
      // The session keeps its pace: what one call was late, the next ones make up for.
      const end = call < 0 ? now() + callMilliseconds : start + (call + 1) * callMilliseconds;
      session.postMessage({ feeds: batchFeeds(contract, batches, loop), end } satisfies Call);
      await once(session, 'message');
      loader.release(batches);
    }
  } finally {
    await Promise.all([loader.close(), session.terminate()]);
  }
}

/** The batch inputs of a graph that takes all that the loader gives. */
function contractOf(options: LoaderOptions, loop: boolean): GraphContract {
  const { batch, image, patchOrder } = options;
  const axes = loop ? ['K', batch] : [batch];
  const dims = imageDims(image);
  const { rows, columns } = patchOrder?.grid ?? { rows: 0, columns: 0 };
  return {
    file: 'none',
    inputs: [
      { name: 'images', dtype: 'uint8', shape: [...axes, ...dims], role: 'batch' },
      { name: 'labels', dtype: 'int64', shape: axes, role: 'batch' },
      { name: 'patch_order', dtype: 'int64', shape: [...axes, rows * columns], role: 'batch' },
    ].filter(({ name }) =>
      name === 'labels' ? options.labels : name === 'patch_order' ? options.patchOrder : true,
    ) as GraphContract['inputs'],
    outputs: [],
  };
}
