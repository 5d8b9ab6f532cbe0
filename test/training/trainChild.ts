/** A process that trains: argv[2] is TrainOptions as JSON; prints a line a step, so that a test can kill it in time. */
import { abortOnSignals } from '../../src/commands/signals';
import { train } from '../../src/training/trainer';
import type { TrainOptions } from '../../src/training/trainer';

const { signal } = abortOnSignals(() => console.log('stopping'));
const reporter = {
  line: (text: string) => console.log(text),
  step: ({ step }: { step: number }) => console.log(`step ${step}`),
  stop: () => {},
};
train(JSON.parse(process.argv[2]) as TrainOptions, { reporter, signal }).then(
  ({ interrupted }) => (process.exitCode = interrupted ? 130 : 0),
  (error: unknown) => {
    console.log(String(error));
    process.exitCode = 1;
  },
);
