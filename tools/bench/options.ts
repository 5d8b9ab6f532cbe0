/** The command line of `npm run bench`. */
import { availableParallelism } from 'node:os';
import yargs from 'yargs';
import { text, whole } from '../../src/commands/command';
import { UserError } from '../../src/base/errors';
import { OPTIMIZATION_NAMES, type Optimization } from '../../src/lowering/optimizations';
import { didYouMean } from '../../src/base/suggest';
import { CASE_NAMES, type CaseName } from './cases';
import { CONTESTANTS, type Contestant } from './contestants';

export interface BenchOptions {
  readonly mode: 'compare' | 'ablate' | 'curves' | 'overhead';
  readonly cases: readonly CaseName[];
  readonly batch: number | undefined;
  readonly rounds: number;
  readonly steps: number;
  readonly threads: number;
  readonly stepsPerRun: number;
  readonly contestants: readonly Contestant[];
  readonly set: readonly string[];
  readonly without: readonly Optimization[];
  readonly python: string | undefined;
  readonly wrap: readonly string[];
  readonly timeoutSeconds: number;
  readonly json: string | undefined;
  readonly csv: string | undefined;
}

/** First steps of every process that are not timed. */
export const WARMUP = 2;

function optimizations(without: string | undefined): Optimization[] {
  return list(without).map((name) => {
    const found = OPTIMIZATION_NAMES.find((known) => known === name);
    if (found) return found;
    const near = didYouMean(name, OPTIMIZATION_NAMES);
    throw new UserError(
      `--without ${name}: no such optimization${near} (known: ${OPTIMIZATION_NAMES.join(', ')})`,
    );
  });
}

const list = (value: string | undefined) =>
  (value ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function chosen(only: string | undefined): readonly Contestant[] {
  if (only === undefined) return CONTESTANTS;
  const names = CONTESTANTS.map(({ name }) => name);
  return list(only).map((name) => {
    const found = CONTESTANTS.find((contestant) => contestant.name === name);
    if (!found)
      throw new UserError(
        `--only ${name}: no such contestant${didYouMean(name, names)} (known: ${names.join(', ')})`,
      );
    return found;
  });
}

/** Throws a UserError for what does not parse; prints the help and returns undefined where that is asked for. */
export async function parseOptions(args: readonly string[]): Promise<BenchOptions | undefined> {
  let asksHelp = false;
  const parser = yargs([...args])
    .scriptName('npm run bench --')
    .usage('$0 [options]\n\nTraining steps of our graphs beside those of other libraries, in one run.')
    .example('$0 --case cifar-resnet50 --batch 32', 'the table of one case')
    .example('$0 --case selfie-32 --only ours,torch-channels-last', 'two contestants')
    .example('$0 --ablate', 'what each optimization of the lowering brings')
    .example('$0 --curves --csv curves.csv', 'cost over batch, width, depth, ...')
    .example('$0 --overhead', 'selfie train against the bare session')
    .options({
      case: {
        choices: [...CASE_NAMES, 'all'] as const,
        requiresArg: true,
        describe: 'default: cifar-resnet50',
      },
      ablate: {
        type: 'boolean',
        default: false,
        describe: 'ours without each optimization of the lowering in turn',
      },
      curves: {
        type: 'boolean',
        default: false,
        describe: 'ours over batch, width, depth, image size, K, threads',
      },
      overhead: { type: 'boolean', default: false, describe: 'the trainer against the bare session' },
      batch: whole('--batch', 1, "images a step (default: the case's)"),
      rounds: whole('--rounds', 1, 'times that everything is measured (default: 3)'),
      steps: whole('--steps', 1, `steps of a measurement, the first ${WARMUP} untimed (default: 10)`),
      threads: whole('--threads', 1, 'threads that compute (default: all)'),
      'steps-per-run': whole('--steps-per-run', 1, 'ours: steps in one call of the session (default: 1)'),
      only: text(`contestants, with commas: ${CONTESTANTS.map(({ name }) => name).join(', ')}`),
      set: {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        defaultDescription: 'none',
        describe: 'change a setting of the recipe: precision=exact; may be repeated',
      },
      without: text(
        `optimizations of the lowering to do without, with commas: ${OPTIMIZATION_NAMES.join(', ')}`,
      ),
      python: text('interpreter of the peers (default: tools/bench/.venv, made where it does not exist)'),
      wrap: text('put before the command of every measurement: "numactl -N 0"'),
      timeout: whole('--timeout', 1, 'seconds that a measurement may take (default: 900)'),
      json: text('file for everything that was measured'),
      csv: text('file for the table of --curves'),
    })
    .locale('en')
    .wrap(110)
    .version(false)
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      throw new UserError(`${(message ?? 'wrong usage').replace(/\s+/g, ' ')} (see npm run bench -- --help)`);
    });
  const parsed = await parser.parse([...args], (_error: unknown, _argv: unknown, output: string) => {
    asksHelp = output !== '';
    if (asksHelp) process.stdout.write(`${output}\n`);
  });
  if (asksHelp) return undefined;

  const modes = (['ablate', 'curves', 'overhead'] as const).filter((mode) => parsed[mode]);
  if (modes.length > 1) throw new UserError(`--${modes.join(' and --')}: give one of them`);
  if (modes.length > 0 && parsed.only !== undefined)
    throw new UserError(`--${modes[0]} measures ours; leave out --only`);
  if (parsed.csv !== undefined && (modes[0] !== 'curves' || parsed.case === 'all'))
    throw new UserError('--csv is for --curves of one case');
  const mode: BenchOptions['mode'] = modes.at(0) ?? 'compare';
  const contestants = chosen(parsed.only);
  if (contestants.length === 0) throw new UserError('--only: names no contestant');
  const steps = parsed.steps ?? 10;
  if (steps <= WARMUP) throw new UserError(`--steps ${steps}: the first ${WARMUP} are not timed; give more`);
  const stepsPerRun = parsed.stepsPerRun ?? 1;
  const name = parsed.case ?? 'cifar-resnet50';
  return {
    mode,
    cases: name === 'all' ? CASE_NAMES : [name],
    batch: parsed.batch,
    rounds: parsed.rounds ?? 3,
    steps,
    threads: parsed.threads ?? availableParallelism(),
    stepsPerRun,
    contestants: mode === 'compare' ? contestants : [CONTESTANTS[0]],
    set: parsed.set,
    without: optimizations(parsed.without),
    python: parsed.python,
    wrap: (parsed.wrap ?? '').split(' ').filter((word) => word !== ''),
    timeoutSeconds: parsed.timeout ?? 900,
    json: parsed.json,
    csv: parsed.csv,
  };
}
