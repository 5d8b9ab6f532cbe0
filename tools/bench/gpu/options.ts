/** The command line of tools/bench/gpu/run.sh. */
import { availableParallelism } from 'node:os';
import yargs from 'yargs';
import { set, text, whole } from '../../../src/commands/command';
import { UserError } from '../../../src/base/errors';
import { didYouMean } from '../../../src/base/suggest';
import { WARMUP } from '../options';
import { GPU_CASE_NAMES, type GpuCaseName } from './cases';
import { GPU_CONTESTANTS, type GpuContestant } from './contestants';

export interface GpuOptions {
  readonly device: 'cpu' | 'cuda';
  readonly check: boolean;
  readonly time: boolean;
  readonly runtime: 'node' | 'python';
  readonly cases: readonly GpuCaseName[];
  readonly contestants: readonly GpuContestant[];
  readonly batch: number | undefined;
  readonly checkBatch: number;
  readonly checkSteps: number;
  readonly rounds: number;
  readonly steps: number;
  readonly stepsPerRun: number;
  readonly threads: number;
  readonly timeoutSeconds: number;
  readonly set: readonly string[];
  readonly python: string;
  readonly json: string | undefined;
}

function named<T>(
  option: string,
  given: string | undefined,
  known: readonly T[],
  nameOf: (item: T) => string,
): T[] {
  return (given ?? '').split(',').flatMap((part) => {
    const name = part.trim();
    if (name === '') return [];
    const found = known.find((item) => nameOf(item) === name);
    if (found !== undefined) return found;
    const names = known.map(nameOf);
    throw new UserError(`${option} ${name}: unknown${didYouMean(name, names)} (known: ${names.join(', ')})`);
  });
}

/** Throws a UserError for what does not parse; prints the help and returns undefined where that is asked for. */
export async function parseGpuOptions(args: readonly string[]): Promise<GpuOptions | undefined> {
  let asksHelp = false;
  const names = GPU_CONTESTANTS.map(({ contestant }) => contestant.name);
  const parser = yargs([...args])
    .scriptName('run.sh')
    .usage(
      '$0 [options]\n\nChecks our training graphs on a GPU against the CPU, then times them beside PyTorch.',
    )
    .example('$0', "check and time the paper's recipes at 32 x 32")
    .example('$0 --do check', 'correctness alone')
    .example('$0 --case pretrain-224 --batch 256', 'larger images, another batch')
    .example('$0 --device cpu --case tiny-pretrain,tiny-finetune', 'try the programs without a GPU')
    .options({
      device: {
        choices: ['cuda', 'cpu'] as const,
        default: 'cuda' as const,
        requiresArg: true,
        describe: 'where to compute',
      },
      do: {
        choices: ['check', 'time', 'both'] as const,
        default: 'both' as const,
        requiresArg: true,
        describe: 'what to do',
      },
      runtime: {
        choices: ['node', 'python'] as const,
        default: 'node' as const,
        requiresArg: true,
        describe: 'what --do check runs on the device: onnxruntime-node, or onnxruntime in Python',
      },
      case: text(`with commas: ${GPU_CASE_NAMES.join(', ')} (default: pretrain-32,finetune-32)`),
      only: text(`contestants to time, with commas: ${names.join(', ')} (default: all)`),
      batch: whole('--batch', 1, "images a step when timing (default: the case's)"),
      'check-batch': whole('--check-batch', 2, 'images a step when checking (default: 8)'),
      'check-steps': whole('--check-steps', 1, 'steps when checking (default: 3)'),
      rounds: whole('--rounds', 1, 'times that everything is timed (default: 3)'),
      steps: whole('--steps', 1, 'steps to time in a process (default: 24)'),
      'steps-per-run': whole('--steps-per-run', 1, 'ours: steps in one call of the session (default: 8)'),
      threads: whole('--threads', 1, 'threads on the CPU (default: all)'),
      timeout: whole('--timeout', 1, 'seconds that a process may take (default: 900)'),
      set: { ...set, describe: 'change a setting of the recipe: network.version=v1; may be repeated' },
      python: text('interpreter with PyTorch (default: python3)'),
      json: text('file for everything that was measured'),
    })
    .locale('en')
    .wrap(110)
    .version(false)
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      throw new UserError(`${(message ?? 'wrong usage').replace(/\s+/g, ' ')} (see run.sh --help)`);
    });
  const parsed = await parser.parse([...args], (_error: unknown, _argv: unknown, output: string) => {
    asksHelp = output !== '';
    if (asksHelp) process.stdout.write(`${output}\n`);
  });
  if (asksHelp) return undefined;
  if (parsed._.length > 0) throw new UserError(`${parsed._.join(' ')}: unknown (see run.sh --help)`);

  const cases = named('--case', parsed.case ?? 'pretrain-32,finetune-32', GPU_CASE_NAMES, (name) => name);
  if (cases.length === 0) throw new UserError('--case: names no case');
  const only = named(
    '--only',
    parsed.only ?? names.join(','),
    GPU_CONTESTANTS,
    ({ contestant }) => contestant.name,
  );
  if (only.length === 0) throw new UserError('--only: names no contestant');
  return {
    device: parsed.device,
    check: parsed.do !== 'time',
    time: parsed.do !== 'check',
    runtime: parsed.runtime,
    cases,
    contestants: only,
    batch: parsed.batch,
    checkBatch: parsed.checkBatch ?? 8,
    checkSteps: parsed.checkSteps ?? 3,
    rounds: parsed.rounds ?? 3,
    steps: WARMUP + (parsed.steps ?? 24),
    stepsPerRun: parsed.stepsPerRun ?? 8,
    threads: parsed.threads ?? availableParallelism(),
    timeoutSeconds: parsed.timeout ?? 900,
    set: parsed.set,
    python: parsed.python ?? 'python3',
    json: parsed.json,
  };
}
