/** A command as it ends when nothing disturbs it, and what has to hold when something did. */
import { append } from '../../../src/base/lists';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Setting } from '../section';
import type { CommandCase } from './cases';
import { copyMaterial } from './material';
import { type Disturbance, type Ended, Place } from './program';
import { differences, leftIn, nearest, part, readTree, type Tree } from './tree';

export interface Reference {
  readonly command: CommandCase;
  /** what every trial starts from */
  readonly prepared: Place;
  readonly before: Tree;
  /** after the command, and after it was run once more */
  readonly after: readonly Tree[];
  readonly seconds: number;
  /** of the file system */
  readonly calls: number;
  /** what is wrong with it already */
  readonly problems: readonly string[];
}

/** Commands that go on by themselves may need more than one try to find their way. */
const TRIES = 3;

/** A new place with what is in another. */
export function start(from: Place, folder: string): Place {
  const place = new Place(folder);
  cpSync(from.work, place.work, { recursive: true, preserveTimestamps: true });
  return place;
}

/** By the command's name: sections share them. */
const references = new Map<string, Promise<Reference>>();

/** The command undisturbed, once for all sections. */
export function measure(setting: Setting, command: CommandCase, material: Place): Promise<Reference> {
  const known = references.get(command.name);
  if (known) return known;
  const measured = measureNow(setting, command, material);
  references.set(command.name, measured);
  return measured;
}

/** Runs the command undisturbed: twice in folders of different names, and once more where it ended. */
async function measureNow(
  { work, short }: Setting,
  command: CommandCase,
  material: Place,
): Promise<Reference> {
  const folder = path.join(work, 'undisturbed', command.name.replace(/\W+/g, '-'));
  const prepared = new Place(path.join(folder, 'prepared'));
  copyMaterial(material, prepared, command.copy);
  const problems: string[] = [];
  const run = async (place: Place, args: readonly string[]) => {
    const ended = await place.run(args);
    if (ended.code !== 0)
      problems.push(`undisturbed, selfie ${args.join(' ')} ended with ${ended.code}: ${ended.stderr.trim()}`);
    append(problems, [...ended.problems, ...leftIn(place.tmp)]);
    return ended;
  };
  if (command.before) await run(prepared, command.before);
  const place = start(prepared, path.join(folder, 'reference'));
  const { seconds, calls } = await run(place, command.args);
  const first = readTree(place.work);
  const reference = { command, prepared, before: readTree(prepared.work), seconds, calls, problems };
  if (problems.length > 0) return { ...reference, after: [first] };
  if (!short) {
    const elsewhere = start(prepared, path.join(folder, 'a-folder-of-another-name'));
    await run(elsewhere, command.args);
    const differing = differences(readTree(elsewhere.work), first);
    append(
      problems,
      differing.map((line) => `of two undisturbed runs: ${line}`),
    );
    elsewhere.remove();
  }
  const again = await place.run(command.again ?? command.args);
  const after = again.code === 0 ? [first, readTree(place.work)] : [first];
  place.remove();
  return { ...reference, after };
}

export interface Trial {
  readonly place: Place;
  readonly ended: Ended;
  readonly problems: string[];
}

/** Runs the command disturbed, and says what does not hold right after: groups of paths are old or new, not in between. */
export async function disturb(
  { command, prepared, before, after }: Reference,
  folder: string,
  disturbance: Disturbance,
): Promise<Trial> {
  const place = start(prepared, folder);
  const ended = await place.run(command.args, disturbance);
  const now = readTree(place.work);
  const problems = [...ended.problems];
  for (const paths of command.whole) {
    const own = part(now, paths);
    const found = nearest(
      own,
      [before, ...after].map((tree) => part(tree, paths)),
    );
    append(
      problems,
      found.map((line) => `right after, neither old nor new: ${line}`),
    );
  }
  return { place, ended, problems };
}

/** Runs the command until it ends well; what differs from the undisturbed result, and what is left over. */
export async function settle(
  { command, after }: Reference,
  { place }: Pick<Trial, 'place'>,
  disturbance: Pick<Disturbance, 'pid'> = {},
): Promise<string[]> {
  let last: Ended | undefined;
  for (let i = 0; i < TRIES; i++) {
    last = await place.run(command.again ?? command.args, disturbance);
    if (last.code === 0) break;
  }
  const found = nearest(readTree(place.work), after).filter((line) => !isEarlier(line, after[0]));
  const left = leftIn(place.tmp);
  if (last?.code === 0) return [...last.problems, ...found, ...left];
  // it had ended well before it was disturbed, and says that there is nothing more to do
  if (found.length === 0) return left;
  return [`run again, it ended with ${last?.code}: ${last?.stderr.trim()}`, ...left];
}

const stepOf = (name: string) => Number(/checkpoints\/step-(\d+)\.safetensors/.exec(name)?.[1] ?? NaN);

/** A stop writes a checkpoint of its own, in the place of the oldest that is kept: only the last one must be the same. */
const isEarlier = (line: string, tree: Tree): boolean =>
  / is (missing|left over)$/.test(line) && [...tree.keys()].some((name) => stepOf(name) > stepOf(line));

/** A folder for a trial. */
export function trialFolder(work: string, section: string, name: string, trial: number): string {
  const folder = path.join(work, section, `${name.replace(/\W+/g, '-')}-${trial}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What an error of a command has to be: one line that says `error:`, and nothing of the inside. */
export function errorProblems({ stderr }: Pick<Ended, 'stderr'>): string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('error:'));
  return [
    ...(lines.length === 1 ? [] : [`${lines.length} lines of error: ${stderr.trim()}`]),
    ...(/unexpected; set SELFIE_DEBUG|^ {4}at /m.test(stderr) ? [`unexpected: ${stderr.trim()}`] : []),
  ];
}
