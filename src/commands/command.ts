/** What a command is, and the option types that commands share. */
import type { ArgumentsCamelCase, InferredOptionTypes, Options, PositionalOptions } from 'yargs';
import { BROKEN } from '../base/broken';
import { PROVIDERS } from '../base/providers';
import type { BrokenImage } from '../data/batches/options';
import { SOURCE_FORMS } from '../data/sources/readers';
import { plainLine, UserError } from '../base/errors';

type Positionals = Readonly<Record<string, PositionalOptions>>;
type Flags = Readonly<Record<string, Options>>;

/** One subcommand: its options and the plain function it calls. */
export interface Command<P extends Positionals, O extends Flags> {
  readonly name: string;
  readonly describe: string;
  /** command lines without the program's name, and what they do */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** in their order; all must be given */
  readonly positionals: P;
  readonly options: O;
  readonly run: (
    args: ArgumentsCamelCase<InferredOptionTypes<P> & InferredOptionTypes<O>>,
  ) => Promise<void> | void;
}

/** Infers the arguments of `run` from the options. */
export const defineCommand = <const P extends Positionals, const O extends Flags>(
  command: Command<P, O>,
): Command<P, O> => command;

/** An option that takes text and may be left out. */
export const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

/** An option that takes a whole number of at least `min`; `name` is for the message. */
export const whole = (name: string, min: number, describe: string) =>
  ({
    type: 'string',
    requiresArg: true,
    describe,
    coerce: (value: string | undefined): number | undefined => {
      if (value === undefined) return undefined;
      const number = Number(value);
      if (value.trim() === '' || !Number.isSafeInteger(number) || number < min)
        throw new UserError(`${name} ${value}: expected a whole number of at least ${min}`);
      return number;
    },
  }) as const;

/** An option that takes a number above zero; `name` is for the message. */
export const positive = (name: string, describe: string) =>
  ({
    type: 'string',
    requiresArg: true,
    describe,
    coerce: (value: string | undefined): number | undefined => {
      if (value === undefined) return undefined;
      const number = Number(value);
      if (value.trim() === '' || !Number.isFinite(number) || number <= 0)
        throw new UserError(`${name} ${value}: expected a number above 0`);
      return number;
    },
  }) as const;

export const set = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  defaultDescription: 'none',
  describe: 'change a setting: network.width=16; may be repeated',
} as const;

/** A positional argument. */
export const positional = (describe: string) => ({ type: 'string', demandOption: true, describe }) as const;

export const directory = positional('folder of the run, with the bundle in graph/');

export const data = {
  type: 'string',
  demandOption: true,
  requiresArg: true,
  describe: SOURCE_FORMS.join(', '),
} as const;

/** No default for yargs: a resumed run takes the stored one. `standard` says what there is instead. */
export const broken = (standard: string) =>
  ({
    choices: BROKEN,
    requiresArg: true,
    describe: `images that cannot be decoded end the command, or are skipped and named (default: ${standard})`,
  }) as const;

export const provider = {
  choices: PROVIDERS,
  requiresArg: true,
  describe: "where to compute (default: the bundle's)",
} as const;

/** Control characters but tabs, line feeds and the sequences for colours: a terminal would obey names from files. */
// eslint-disable-next-line no-control-regex
const CONTROL = /\x1b(?!\[[\d;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;

/** A whole line on stdout. */
export function print(line = ''): void {
  process.stdout.write(`${line.replace(CONTROL, '?')}\n`);
}

/** How many images an evaluation left out; nothing where it left none out. */
export const formatBroken = ({ length }: readonly BrokenImage[]): string[] =>
  length === 0 ? [] : [`left out ${length} broken images`];

/** A whole line on stderr. */
export function warn(line: string): void {
  process.stderr.write(`warning: ${plainLine(line)}\n`);
}

/** Names the images that an evaluation left out. */
export const warnBroken = (broken: readonly BrokenImage[]) =>
  broken.forEach(({ reason }) => warn(`left out: ${reason}`));
