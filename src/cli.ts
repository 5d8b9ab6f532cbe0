/** The command line: finds the command, parses its options, and says what went wrong in one line. */
import yargs, { type Argv, type Options, type PositionalOptions } from 'yargs';
import { version } from '../package.json';
import { buildGraph } from './commands/build-graph';
import type { Command } from './commands/command';
import { dataDownload, dataInfo, dataPack } from './commands/data';
import { describeError } from './commands/describeError';
import { embedCommand } from './commands/embed';
import { evaluateCommand } from './commands/evaluate';
import { experimentCommand } from './commands/experiment';
import { exportCommand } from './commands/export';
import { inspectCommand } from './commands/inspect';
import { knnCommand } from './commands/knn';
import { linearProbeCommand } from './commands/linear-probe';
import { predictCommand } from './commands/predict';
import { printGraph } from './commands/print-graph';
import { profileCommand } from './commands/profile';
import { quickstartCommand } from './commands/quickstart';
import { recipesCommand } from './commands/recipes';
import { reportCommand } from './commands/report';
import { serveCommand } from './commands/serve';
import { trainCommand } from './commands/train';
import { tuneCommand } from './commands/tune';
import { watchCommand } from './commands/watch';
import { UserError } from './base/errors';
import { didYouMean } from './base/suggest';

const OPTIONS = new Map<string, readonly string[]>();

/** What stands for a lone `-` while yargs parses, which loses one in a list of positionals; no argument can be this. */
const DASH = '\0';

/** Runs the command line `args` (without node and the script); resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await createParser(args).parseAsync(args.map((arg) => (arg === '-' ? DASH : arg)));
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const text = describeError(error, Boolean(process.env.SELFIE_DEBUG));
    process.stderr.write(`${text.replaceAll(DASH, '-')}\n`);
    return 1;
  }
}

function createParser(args: readonly string[]): Argv {
  const parser = yargs()
    .scriptName('selfie')
    .usage('$0 <command>\n\nSelf-supervised image pretraining (Selfie) as ONNX training graphs.')
    .locale('en')
    .wrap(100)
    .version(version)
    .demandCommand(1, 'no command given')
    .strict()
    .exitProcess(false)
    .epilogue('"selfie <command> --help" explains a command.')
    .fail((message: string | null, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      throw new UserError(describeMisuse(message ?? error?.message ?? 'wrong usage', args));
    });
  register(parser, quickstartCommand);
  register(parser, recipesCommand);
  register(parser, buildGraph);
  register(parser, trainCommand);
  register(parser, evaluateCommand);
  register(parser, knnCommand);
  register(parser, linearProbeCommand);
  register(parser, experimentCommand);
  register(parser, exportCommand);
  register(parser, embedCommand);
  register(parser, predictCommand);
  register(parser, serveCommand);
  register(parser, printGraph);
  register(parser, tuneCommand);
  register(parser, profileCommand);
  register(parser, reportCommand);
  register(parser, inspectCommand);
  register(parser, watchCommand);
  parser.command('data', 'look at data sets, pack and download them', (inner) => {
    register(inner, dataInfo, 'data');
    register(inner, dataPack, 'data');
    register(inner, dataDownload, 'data');
    return inner.demandCommand(1, 'no command given after data: info, pack or download');
  });
  return parser;
}

function register<P extends Record<string, PositionalOptions>, O extends Record<string, Options>>(
  parser: Argv,
  { name, describe, examples, positionals, options, run }: Command<P, O>,
  group?: string,
): void {
  OPTIONS.set(group === undefined ? name : `${group} ${name}`, Object.keys(options));
  const names = Object.entries(positionals).map(
    ([positional, { array }]) => `<${positional}${array ? '..' : ''}>`,
  );
  parser.command(
    [name, ...names].join(' '),
    describe,
    (inner) => {
      for (const [positional, settings] of Object.entries(positionals))
        inner.positional(positional, settings);
      for (const [line, what] of examples) inner.example(`$0 ${line}`, what);
      return inner.options(options).epilogue('');
    },
    (args) => {
      for (const [option, value] of Object.entries(args))
        if (Array.isArray(value) && option in options && !options[option].array)
          throw new UserError(`--${option} is given more than once`);
      const given = Object.entries(args).map(([name, value]) => [name, withDashes(value)]);
      return run(Object.fromEntries(given) as Parameters<typeof run>[0]);
    },
  );
}

function withDashes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDashes);
  return value === DASH ? '-' : value;
}

/** yargs' complaint as one line that names what is near. */
function describeMisuse(message: string, args: readonly string[]): string {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'));
  const command: string | undefined = [...OPTIONS.keys()].some((name) => name.startsWith(`${first} `))
    ? `${first} ${second}`
    : first;
  if (command === undefined) return `${message} (see selfie --help)`;
  const known = OPTIONS.get(command);
  if (!known)
    return `unknown command ${command}${didYouMean(command, [...OPTIONS.keys()])} (see selfie --help)`;
  return `${describeArgument(message.replace(/\s+/g, ' '), args, known)} (see selfie ${command} --help)`;
}

function describeArgument(message: string, args: readonly string[], known: readonly string[]): string {
  const [, unknown] = /^Unknown arguments?: ([^,]+)/.exec(message) ?? [];
  if (unknown !== undefined) {
    const option = args.find((arg) => /^--?([^=]*)/.exec(arg)?.[1] === unknown);
    if (option === undefined)
      return `unexpected argument ${unknown}${unknown.includes('=') ? '; write --set before each setting' : ''}`;
    const flags = known.map((name) => `--${name}`);
    return `unknown option --${unknown}${didYouMean(`--${unknown}`, flags)}`;
  }
  const [, name, given, choices] =
    /^Invalid values: Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(message) ?? [];
  if (name !== undefined) return `--${name} ${given}: expected one of ${choices}`;
  const [, empty] = /^Not enough arguments following: (\S+)/.exec(message) ?? [];
  if (empty !== undefined) return `--${empty} needs a value`;
  const [, missing] = /^Missing required arguments?: (.*)/.exec(message) ?? [];
  if (missing !== undefined) return `missing: --${missing.split(', ').join(', --')}`;
  return message.startsWith('Not enough non-option arguments') ? 'an argument is missing' : message;
}
