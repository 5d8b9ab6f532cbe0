/** A thread that exports checkpoints. */
import { answerCalls } from '../../base/workerCalls';
import { exportRun, type ExportRunOptions } from '../../export/exportRun';

export type ExportJob = Pick<ExportRunOptions, 'directory' | 'checkpoint' | 'out' | 'input'>;

answerCalls(async (job: ExportJob) => {
  await exportRun(job);
});
