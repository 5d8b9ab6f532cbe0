/** `selfie experiment FILE --data SOURCE` */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { experiments } from '../../graphs/experiments';
import { UserError } from '../base/errors';
import { runExperiment } from '../experiment/experiment';
import { parseExperiment, smokeOf } from '../experiment/schema';
import { didYouMean } from '../base/suggest';
import { EXTENSIONS, readProgram } from '../base/loadModule';
import { abortOnSignals } from './signals';
import { defineCommand, positional, print, whole } from './command';

export const experimentCommand = defineCommand({
  name: 'experiment',
  describe: 'run a grid of data set, labels, method and seed, and print its table; the same command goes on',
  examples: [
    ['experiment cifar10-mini --data cifar10:cifar-10-batches-bin --jobs 2 --threads 1', 'on two cores'],
    ['experiment paper-table1 --data cifar10:PATH --data imagenet32:PATH', 'the data sets that are there'],
    ['experiment graphs/experiments/mine.ts --data folder:photos --smoke', 'a file of your own, a tiny grid'],
  ],
  positionals: { file: positional(`${[...experiments.keys()].join(', ')}, or a .ts, .js or .json file`) },
  options: {
    data: {
      type: 'string',
      array: true,
      nargs: 1,
      demandOption: true,
      describe: "images of a data set, by its form's name: cifar10:PATH; may be repeated",
    },
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'folder of the runs and tables (default: models/experiments/<name>)',
    },
    jobs: whole('--jobs', 1, 'trainings at the same time (default: 1)'),
    threads: whole('--threads', 1, 'threads that compute, of each training (default: all)'),
    workers: whole('--workers', 1, 'threads that decode, of each training'),
    smoke: {
      type: 'boolean',
      default: false,
      describe: 'a tiny grid of a few steps: that everything works, and nothing else',
    },
  },
  run: async ({ file, data, out, smoke, jobs, threads, workers }) => {
    const { name, input } = load(file);
    const whole = parseExperiment(input, `experiment ${file}`);
    const directory = out ?? path.join('models', 'experiments', smoke ? `${name}-smoke` : name);
    const interrupt = abortOnSignals(() => {
      process.stderr.write('\nstopping; what runs writes its checkpoint\n');
    });
    try {
      const report = (line: string) => process.stderr.write(`${line}\n`);
      const experiment = smoke ? smokeOf(whole) : whole;
      const options = { experiment, data, directory, jobs, threads, workers };
      const lines = await runExperiment(options, report, interrupt.signal);
      if (lines) lines.forEach((line) => print(line));
      else {
        print(`stopped; the same command goes on in ${directory}`);
        process.exitCode = interrupt.code();
      }
    } finally {
      interrupt.dispose();
    }
  },
});

/** A known experiment's name, or a file with or without its extension. */
function load(nameOrPath: string): { name: string; input: unknown } {
  const known = experiments.get(nameOrPath);
  if (known) return { name: nameOrPath, input: known };
  const { name } = path.parse(nameOrPath);
  const file = ['', ...EXTENSIONS]
    .map((extension) => nameOrPath + extension)
    .find((candidate) => EXTENSIONS.includes(path.extname(candidate)) && existsSync(candidate));
  if (file !== undefined) return { name, input: readProgram(file, 'experiment') };
  const names = [...experiments.keys()];
  throw new UserError(
    `unknown experiment ${nameOrPath}${didYouMean(nameOrPath, names)} (known: ${names.join(', ')}; or a .ts, .js or .json file)`,
  );
}
