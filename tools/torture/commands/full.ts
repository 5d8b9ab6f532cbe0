/** Disks that are full, broken or read-only: every command says so in a line, leaves what was there, and ends well later. */
import { append } from '../../../src/base/lists';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../../src/base/random';
import { inParallel, type Setting, trialsOf } from '../section';
import { casesOf, type CommandCase } from './cases';
import { FAULTS } from './hook';
import { describe } from './kills';
import type { Ended, Place } from './program';
import { disturb, errorProblems, measure, type Reference, settle, start, trialFolder } from './trial';
import { differences, leftIn, readTree, type Tree } from './tree';

export const SECTION = 'full';
/** Trials of a command with calls that fail, and with a file system of few kilobytes. */
const TRIALS = 9;
const SMALL_DISKS = 3;

export async function full(setting: Setting, material: Place): Promise<void> {
  const { work, report, seed, jobs, short, say } = setting;
  const cases = casesOf(setting);
  const mounts = canMount(path.join(work, 'mounted'));
  if (mounts !== null) report.skip(`file systems of few kilobytes: ${mounts}`);
  await inParallel(cases, jobs, async (command) => {
    const { name } = command;
    const reference = await measure(setting, command, material);
    if (reference.problems.length > 0)
      report.add(
        { section: SECTION, name, trial: 0, what: 'not disturbed', problems: reference.problems },
        0,
      );
    const count = reference.calls === 0 ? 0 : short ? 2 : TRIALS + (mounts === null ? SMALL_DISKS : 0);
    for (const trial of trialsOf(setting, count)) {
      const random = new Random(seed, SECTION, name, trial);
      const share = random.uniform();
      const folder = trialFolder(work, SECTION, name, trial);
      const told =
        trial < TRIALS
          ? await failing(reference, folder, trial, share)
          : await onSmallDisk(reference, folder, share);
      report.add({ section: SECTION, name, trial, ...told });
    }
    say(`${SECTION}: ${name}`);
  });
}

interface Told {
  readonly what: string;
  readonly problems: readonly string[];
}

/** Calls fail from the n-th on, or the n-th alone. */
async function failing(reference: Reference, folder: string, trial: number, share: number): Promise<Told> {
  const act = FAULTS[trial % FAULTS.length];
  const disturbance = { hook: { at: 1 + Math.floor(share * reference.calls), act } };
  const done = await disturb(reference, folder, disturbance);
  const now = readTree(done.place.work);
  const problems = [...done.problems, ...afterFailure(reference, done.ended, now, act)];
  // on a file system that takes no changes nothing can be removed either
  if (act !== 'EROFS') {
    const left = leftIn(done.place.tmp);
    append(
      problems,
      left.filter((line) => !isRemovalOf(done.ended.noted, nameOfLeft(line))),
    );
  }
  append(problems, await settle(reference, done));
  done.place.remove();
  return { what: describe(disturbance, done.ended.noted), problems };
}

/** What a command that could not write has to have said and left. */
function afterFailure(
  { command, before, after }: Reference,
  ended: Ended,
  now: Tree,
  code: (typeof FAULTS)[number],
): string[] {
  if (ended.code === 0) return differences(now, after[0]).map((line) => `it ended with 0, but ${line}`);
  const wrong =
    ended.code === 1 ? errorProblems(ended) : [`ended with ${ended.code ?? ended.signal}: ${ended.stderr}`];
  if (!new RegExp(`${code}|no space|read-only`, 'i').test(ended.stderr))
    wrong.push(`does not say ${code}: ${ended.stderr.trim()}`);
  else if (!namesFile(ended, command, [before, ...after]))
    wrong.push(`names no file (${ended.noted}): ${ended.stderr.trim()}`);
  if (code === 'EROFS') return wrong;
  const left = differences(now, new Map([...before, ...after[0]]))
    .filter((line) => line.endsWith(' is left over') && !command.unfinished?.test(line))
    .filter((line) => !isRemovalOf(ended.noted, nameOfLeft(line)))
    .map((line) => `after the error, ${line}`);
  return [...wrong, ...left];
}

/** The last part of its path. */
const nameOfLeft = (line: string) => path.posix.basename(line.replace(/ is left over$/, ''));

/** Whether the call that failed was the one that removes it: that is left to the next run. */
const isRemovalOf = (call: string, name: string): boolean =>
  /^(rmdir|unlink)/.test(call) && call.includes(name);

/** Whether the error has the name of a file that the command reads or writes. */
const namesFile = ({ stderr }: Ended, { args }: CommandCase, trees: readonly Tree[]): boolean =>
  [...args, ...trees.flatMap((tree) => [...tree.keys()].map((name) => path.posix.basename(name)))].some(
    (name) => name.length > 2 && stderr.includes(name),
  );

/** A tmpfs in which the command fits only in part. */
async function onSmallDisk(reference: Reference, folder: string, share: number): Promise<Told> {
  const { prepared, after, command, before } = reference;
  const [small, large] = [sizeOf(prepared.work), sizeOf(prepared.work) + 2 ** 26];
  const bytes = small + 4096 * Math.floor(1 + share * 200);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mount(folder, bytes + 2 ** 18);
  try {
    const place = start(prepared, path.join(folder, 'place'));
    const ended = await place.run(command.args);
    const problems = [
      ...ended.problems,
      ...leftIn(place.tmp),
      ...(ended.code === 0 ? [] : errorProblems(ended)),
      ...(ended.code === 0 || ended.code === 1
        ? []
        : [`ended with ${ended.code ?? ended.signal}: ${ended.stderr}`]),
    ];
    const known = new Map([...before, ...after[0]]);
    const left = differences(readTree(place.work), known).filter((line) => line.endsWith(' is left over'));
    append(
      problems,
      left.filter((line) => !command.unfinished?.test(line)).map((line) => `after the error, ${line}`),
    );
    spawnSync('mount', ['-o', `remount,size=${large}`, folder]);
    append(problems, await settle(reference, { place }));
    return { what: `a file system of ${bytes} bytes`, problems };
  } finally {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In pages, as a file system counts. */
function sizeOf(folder: string): number {
  const { stdout } = spawnSync('du', ['-s', '--block-size=1', folder], { encoding: 'utf8' });
  return Number(stdout.split('\t')[0]);
}

const mount = (folder: string, bytes: number): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]).status === 0;

/** null: yes; else why not. */
function canMount(folder: string): string | null {
  mkdirSync(folder, { recursive: true });
  if (!mount(folder, 2 ** 20)) return 'this user may not mount one';
  spawnSync('umount', [folder]);
  return null;
}
