/** What is to be tried: a seeded sample of the mutants of some rooms, and the named ones. */
import { Random } from '../../src/base/random';
import { UserError } from '../../src/base/errors';
import { Checker, sourceOf } from './compile';
import { applyEdit, type Edit, type Mutant, mutantsOf } from './mutants';
import { type Named, NAMED } from './named';
import { filesBelow } from './suites';

export interface Fault {
  /** what a person reads of it */
  readonly title: string;
  readonly named: boolean;
  readonly file: string;
  /** the file's text */
  readonly source: string;
  readonly edit: Edit;
}

export const ROOMS = ['src/training', 'src/evaluation', 'src/data/batches', 'src/passes', 'src/optim'];

const lineOf = (source: string, at: number) => source.slice(0, at).split('\n').length;
const short = (text: string) => text.replace(/\s+/g, ' ').trim();

/** `boundary: a < b => a <= b`, with the line around the edit. */
function describe(source: string, mutant: Mutant): string {
  const { from, to, text, kind } = mutant;
  const start = source.lastIndexOf('\n', from) + 1;
  const end = source.indexOf('\n', to);
  const before = short(source.slice(start, end));
  const after = short(source.slice(start, from) + text + source.slice(to, end));
  return `${kind}: ${before} => ${after}`;
}

/**
 * So many of the mutants that compile, drawn from the seed: each has its own place in the draw, so that a change elsewhere draws
 * no others.
 */
export function sampleOf(root: string, rooms: readonly string[], count: number, seed: number): Fault[] {
  const files = rooms.flatMap((room) => filesBelow(root, room, '.ts'));
  const all = files.flatMap((file) => {
    const source = sourceOf(root, file);
    return mutantsOf(file, source).map((mutant) => {
      const what = describe(source, mutant);
      return { file, source, mutant, what, rank: new Random(seed, 'mutants', file, what).uniform() };
    });
  });
  const checker = new Checker(root);
  const chosen: Fault[] = [];
  for (const { file, source, mutant, what } of all.sort((a, b) => a.rank - b.rank)) {
    if (chosen.length === count) break;
    if (!checker.accepts(file, applyEdit(source, mutant))) continue;
    const title = `${file}:${lineOf(source, mutant.from)} ${what}`;
    chosen.push({ title, named: false, file, source, edit: mutant });
  }
  return chosen.sort((a, b) => (a.title < b.title ? -1 : 1));
}

/** Throws a UserError where a text that is to be replaced is not there once. */
export function namedFaults(root: string, named: readonly Named[] = NAMED): Fault[] {
  return named.map(({ name, file, from, to }) => {
    const source = sourceOf(root, file);
    const at = source.indexOf(from);
    if (at < 0 || source.includes(from, at + 1))
      throw new UserError(`tools/mutate/named.ts: ${name}: ${file} has not one place with ${from}`);
    return { title: name, named: true, file, source, edit: { from: at, to: at + from.length, text: to } };
  });
}
