/** A process that reads damaged inputs one after another and says of each how it went; what hangs or grows is ended from outside. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../../src/base/random';
import { describeError } from '../../../src/commands/describeError';
import { damage, drawMutations } from './mutations';
import { damageNames } from './names';
import type { Reader } from './reader';
import { READERS } from './readers';

export interface Task {
  readonly reader: string;
  readonly seed: number;
  /** which of the reader's inputs, in their order */
  readonly trials: readonly number[];
  /** a valid input, which is not touched */
  readonly valid: string;
  /** of this process alone */
  readonly folder: string;
}

/** `problem` null: well read or well refused. */
export type Message =
  | { readonly trial: number; readonly what: string; readonly is: 'begun' }
  | { readonly trial: number; readonly is: 'ended'; readonly problem: string | null; readonly peak: number }
  | { readonly is: 'done' };

/** Characters of an error that a person can be asked to read. */
const LONGEST = 2000;

const tell = (message: Message): void => void process.send?.(message);

/** What is wrong with an error as a command would print it. */
function problemOf(error: unknown): string | null {
  const line = describeError(error, false);
  if (line.includes('(unexpected;'))
    return `unexpected: ${error instanceof Error ? (error.stack ?? line) : line}`;
  if (/[\p{Cc}\u2028\u2029]/u.test(line)) return `control characters in the error: ${JSON.stringify(line)}`;
  return line.length > LONGEST ? `an error of ${line.length} characters: ${line}` : null;
}

const filesOf = ({ damaged }: Reader, root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => damaged?.test(file) !== false)
    .sort();

let current = -1;

async function attempt(trial: number, what: string, read: () => unknown, mayFail = true): Promise<void> {
  current = trial;
  tell({ is: 'begun', trial, what });
  let problem: string | null = null;
  try {
    await read();
  } catch (error) {
    problem = mayFail ? problemOf(error) : `a valid input is refused: ${describeError(error, false)}`;
  }
  // what it began and did not wait for
  await new Promise((resolve) => setImmediate(resolve));
  tell({ is: 'ended', trial, problem, peak: process.resourceUsage().maxRSS * 1024 });
}

async function work({ reader: name, seed, trials, valid, folder }: Task): Promise<void> {
  const reader = READERS.find((each) => each.name === name);
  if (!reader) throw new Error(`no reader ${name}`);
  const input = path.join(folder, 'input');
  const fresh = () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(valid, input, { recursive: true, verbatimSymlinks: true });
  };
  fresh();
  const files = filesOf(reader, input);
  for (const trial of trials) {
    const random = new Random(seed, 'damage', name, trial);
    if (trial < 0)
      await attempt(trial, 'not damaged', () => reader.read(input), reader.mayBeRefused === true);
    else if (reader.isTree) {
      fresh();
      const what = damageNames(input, random);
      await attempt(trial, what, () => reader.read(input));
    } else {
      const file = files[random.integer(files.length)];
      const changes = drawMutations(random.nextUint32() | 0);
      const whole = readFileSync(path.join(valid, file));
      writeFileSync(path.join(input, file), damage(whole, changes));
      await attempt(trial, `${file}: ${changes.map(({ kind }) => kind).join(', ')}`, () =>
        reader.read(input),
      );
      writeFileSync(path.join(input, file), whole);
    }
  }
  tell({ is: 'done' });
}

const unexpected = (error: unknown) => {
  const problem = `not caught: ${error instanceof Error ? error.stack : String(error)}`;
  tell({ is: 'ended', trial: current, problem, peak: process.resourceUsage().maxRSS * 1024 });
};
process.on('uncaughtException', unexpected);
process.on('unhandledRejection', unexpected);
process.on('message', (task: Task) => {
  work(task).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.once('disconnect', () => process.exit());
