/** A thread that reads and writes what is too large for the one that answers. */
import { answerCalls } from '../../base/workerCalls';
import { memoryOf, outcomeOf, runJob, type JobRequest } from './codecJobs';

answerCalls((request: JobRequest) => outcomeOf(() => runJob(request)), undefined, memoryOf);
