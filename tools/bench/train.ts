/** Child process: the trainer (`selfie train`) on the embedded data, with its workers, logs and everything. */
import { mkdtempSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../../src/commands/describeError';
import { silentReporter } from '../../src/training/reporter';
import { train } from '../../src/training/trainer';
import { jobSchema, type Job, type Measured } from './job';
import { peakMegabytes, processAge } from './process';

async function measure({ directory, steps, stepsPerRun, threads }: Job): Promise<Measured> {
  const librariesMb = peakMegabytes();
  // a run folder of its own: the trainer would want to resume the last one
  const run = mkdtempSync(path.join(directory, 'run-'));
  symlinkSync(path.join('..', 'graph'), path.join(run, 'graph'));
  const seconds: number[] = [];
  const losses: number[] = [];
  const ages: number[] = [];
  let last = performance.now();
  let waiting = 0;
  await train(
    { directory: run, data: 'embedded', steps, stepsPerRun, threads, checkpointEvery: steps },
    {
      reporter: {
        ...silentReporter,
        step: ({ loss }) => {
          losses.push(loss);
          waiting++;
          // K steps of one call are reported together
          if (losses.length % stepsPerRun !== 0 && losses.length < steps) return;
          const now = performance.now();
          for (let i = 0; i < waiting; i++) {
            seconds.push((now - last) / 1000 / waiting);
            ages.push(processAge());
          }
          last = now;
          waiting = 0;
        },
      },
    },
  );
  return { seconds, losses, ages, peakMb: peakMegabytes(), librariesMb, version: 'selfie-onnx' };
}

measure(jobSchema.parse(JSON.parse(process.argv[2]))).then(
  (measured) => console.log(JSON.stringify(measured)),
  (error: unknown) => {
    console.error(describeError(error, false));
    process.exitCode = 1;
  },
);
