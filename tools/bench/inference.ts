/** `npm run bench:inference`: images a second of exported encoders, beside PyTorch and PyTorch's own export. */
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { maxOf } from '../../src/base/lists';
import { writeFileAtomic } from '../../src/base/files';
import { describeError } from '../../src/commands/describeError';
import { text, whole } from '../../src/commands/command';
import { UserError } from '../../src/base/errors';
import { readSafetensors } from '../../src/tensors/safetensors';
import { REWRITE_NAMES, type RewriteName } from '../../src/export/model/simplify';
import { inferenceAnswerSchema, type InferenceAnswer, type InferenceJob } from './inferenceJob';
import {
  INFERENCE_CASE_NAMES,
  inferenceRecipe,
  writeInferenceFolder,
  type InferenceCase,
} from './inferenceModel';
import { launch } from './launch';
import { findPython } from './python';
import { median, pairedRatio, spread, type Spread } from './statistics';
import { formatSpread, formatTable } from './table';
import { inWorkFolder } from './workspace';

/** from dist/tools/bench */
const ROOT = path.resolve(__dirname, '../../..');
/** Largest difference between two contestants' embeddings over the largest value. */
const TOLERANCE = 1e-4;
const OURS = 'ours.onnx';
const TORCH_EXPORT = 'torch-export.onnx';
const PEERS = [TORCH_EXPORT, 'eager', 'channels-last', 'compile'] as const;
const TITLES: Readonly<Record<string, string>> = {
  [OURS]: 'ours, onnxruntime-node',
  [TORCH_EXPORT]: "PyTorch's export, onnxruntime-node",
  eager: 'PyTorch eager',
  'channels-last': 'PyTorch eager channels_last',
  compile: 'torch.compile channels_last',
};

interface Row {
  readonly variant: string;
  readonly batch: number;
  /** of the rounds' medians */
  readonly imagesPerSecond: Spread;
  readonly peakMb: number;
  /** how many times the images a second ours has */
  readonly ratio: number | undefined;
  /** from PyTorch eager's embedding */
  readonly difference: number;
}

type Options = NonNullable<Awaited<ReturnType<typeof parseOptions>>>;

async function parseOptions(args: readonly string[]) {
  let asksHelp = false;
  const parsed = await yargs([...args])
    .scriptName('npm run bench:inference --')
    .usage('$0 [options]\n\nImages a second of exported encoders, beside PyTorch and its own ONNX export.')
    .options({
      case: { choices: [...INFERENCE_CASE_NAMES, 'all'] as const, default: 'resnet50-v1' as const },
      batch: { type: 'number', array: true, default: [1, 32], describe: 'images a call; several numbers' },
      rounds: whole('--rounds', 1, 'times that everything is measured (default: 3)'),
      seconds: whole('--seconds', 1, 'of one measurement (default: 3)'),
      threads: whole('--threads', 1, 'threads that compute (default: all)'),
      only: {
        choices: ['ours', ...PEERS] as const,
        array: true,
        default: [...PEERS],
        describe: 'the peers; ours alone needs no Python',
      },
      without: {
        choices: REWRITE_NAMES,
        array: true,
        default: [] as RewriteName[],
        describe: 'ours without each too',
      },
      python: text('interpreter of the peers (default: tools/bench/.venv, made where it does not exist)'),
      json: text('file for everything that was measured'),
    })
    .locale('en')
    .version(false)
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      throw new UserError((message ?? 'wrong usage').replace(/\s+/g, ' '));
    })
    .parse([...args], (_error: unknown, _argv: unknown, output: string) => {
      asksHelp = output !== '';
      if (asksHelp) process.stdout.write(`${output}\n`);
    });
  if (asksHelp) return undefined;
  if (!parsed.batch.every((n) => Number.isInteger(n) && n > 0))
    throw new UserError(`--batch ${parsed.batch.join(' ')}: expected whole numbers of at least 1`);
  const { threads = availableParallelism(), rounds = 3, seconds = 3 } = parsed;
  const peers = PEERS.filter((peer) => parsed.only.includes(peer));
  return { ...parsed, peers, reference: peers.length > 0 ? 'eager' : OURS, threads, rounds, seconds };
}

async function call(job: InferenceJob, python: string): Promise<InferenceAnswer> {
  const command = job.variant.endsWith('.onnx')
    ? [process.execPath, path.join(__dirname, 'inferenceRun.js')]
    : [python, path.join(ROOT, 'tools', 'bench', 'peers', 'torch_inference.py')];
  const answer = await launch({ command: [...command, JSON.stringify(job)], wrap: [], timeoutSeconds: 900 });
  return inferenceAnswerSchema.parse(answer);
}

function difference(folder: string, a: string, b: string): number {
  const [x, y] = [a, b].map((file) => {
    const tensor = readSafetensors(path.join(folder, file)).tensors.get('embedding');
    return tensor?.data as Float32Array;
  });
  if (x.length !== y.length) return Infinity;
  const scale = y.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  return x.reduce((largest, v, i) => Math.max(largest, Math.abs(v - y[i])), 0) / scale;
}

/** Agreement first, of all contestants with PyTorch eager, or with ours where no peer is asked for; then the rounds, each starting with another contestant. */
async function measureCase(name: InferenceCase, options: Options, python: string) {
  const { threads, rounds, seconds, reference } = options;
  const without = options.without.map((rewrite) => [`ours-without-${rewrite}.onnx`, [rewrite]] as const);
  const files = new Map<string, readonly RewriteName[]>([[OURS, []], ...without]);
  const variants = [...files.keys(), ...options.peers];
  return inWorkFolder(async (directory) => {
    const largest = maxOf(options.batch);
    writeInferenceFolder(directory, inferenceRecipe(name), largest, files);
    const job = { directory, threads, batch: largest, seconds: 0 };
    if (variants.includes(TORCH_EXPORT))
      await call({ ...job, variant: 'export', embedding: TORCH_EXPORT }, python);
    const differences = new Map<string, number>();
    await call({ ...job, variant: reference, embedding: 'reference.safetensors' }, python);
    for (const variant of variants) {
      const embedding = `${variant}.safetensors`;
      await call({ ...job, variant, embedding }, python);
      const distance = difference(directory, embedding, 'reference.safetensors');
      differences.set(variant, distance);
      if (!(distance <= TOLERANCE))
        throw new UserError(
          `${name}: ${variant} differs from ${TITLES[reference]} by ${distance.toExponential(1)}`,
        );
    }

    const entries = options.batch.flatMap((batch) => variants.map((variant) => ({ variant, batch })));
    const answers = entries.map((): InferenceAnswer[] => []);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < entries.length; i++) {
        const at = (i + round) % entries.length;
        const timed = { ...job, ...entries[at], seconds, embedding: 'timed.safetensors' };
        answers[at].push(await call(timed, python));
      }
      process.stderr.write(`${name}: round ${round + 1} of ${rounds}\n`);
    }
    const times = answers.map((list) => list.map((answer) => answer.seconds));
    const rows = entries.map(({ variant, batch }, i): Row => {
      const ours = entries.findIndex((entry) => entry.variant === OURS && entry.batch === batch);
      return {
        variant,
        batch,
        imagesPerSecond: spread(times[i].map((calls) => batch / median(calls))),
        peakMb: maxOf(answers[i].map(({ peakMb }) => peakMb)),
        ratio: pairedRatio(times[i], times[ours]),
        difference: differences.get(variant) ?? NaN,
      };
    });
    return {
      case: name,
      rows,
      answers,
      versions: [...new Set(answers.flat().map(({ version }) => version))],
    };
  });
}

const formatRows = (rows: readonly Row[]) =>
  formatTable<Row>(
    [
      {
        title: 'contestant',
        align: 'left',
        cell: ({ variant }) => TITLES[variant] ?? path.parse(variant).name,
      },
      { title: 'batch', cell: ({ batch }) => String(batch) },
      { title: 'images/s (min..max)', cell: ({ imagesPerSecond }) => formatSpread(imagesPerSecond) },
      { title: 'ours is', cell: ({ ratio }) => `${ratio?.toFixed(3) ?? ''}x` },
      { title: 'peak MB', cell: ({ peakMb }) => peakMb.toFixed(0) },
      { title: 'difference', cell: (row) => row.difference.toExponential(1) },
    ],
    rows,
  );

async function main(args: readonly string[]): Promise<void> {
  const options = await parseOptions(args);
  if (!options) return;
  const python =
    options.peers.length === 0
      ? ''
      : findPython(ROOT, options.python, (line) => process.stderr.write(`${line}\n`));
  const reports = [];
  for (const name of options.case === 'all' ? INFERENCE_CASE_NAMES : [options.case]) {
    const report = await measureCase(name, options, python);
    reports.push(report);
    const how = `${options.threads} threads; ${options.rounds} rounds in turn, one process a measurement of ${options.seconds} s`;
    const about = `${how}; difference: from ${TITLES[options.reference]}, of the largest value; ${report.versions.join(', ')}.`;
    process.stdout.write(`## ${name}\n\n${formatRows(report.rows)}\n\n${about}\n\n`);
  }
  const machine = { processor: cpus()[0].model.trim(), cores: cpus().length, date: new Date().toISOString() };
  process.stdout.write(`${machine.processor}, ${machine.cores} cores; ${machine.date}\n`);
  if (options.json !== undefined)
    writeFileAtomic(options.json, `${JSON.stringify({ machine, options, reports }, null, 2)}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
