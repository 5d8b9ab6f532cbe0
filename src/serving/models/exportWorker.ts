/** A thread that exports one checkpoint and says null, or why not. */
import { parentPort, workerData } from 'node:worker_threads';
import { exportRun, type ExportRunOptions } from '../../export/exportRun';

export type ExportJob = Pick<ExportRunOptions, 'directory' | 'checkpoint' | 'out' | 'input'>;

if (parentPort !== null) {
  const port = parentPort;
  exportRun(workerData as ExportJob).then(
    () => port.postMessage(null),
    (error: unknown) => port.postMessage(error instanceof Error ? error.message : String(error)),
  );
}
