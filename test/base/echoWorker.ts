/** A thread that doubles numbers, for workerCalls.test.ts; some it refuses, and one ends it. */
import { answerCalls } from '../../src/base/workerCalls';
import { UserError } from '../../src/base/errors';

answerCalls(async (n: number, isClosing) => {
  await new Promise(setImmediate);
  if (n === 1) throw new UserError('1 is refused');
  if (n === 2) throw new Error('2 breaks');
  if (n === 3) process.exit(7);
  return isClosing() ? null : 2 * n;
});
