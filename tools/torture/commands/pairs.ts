/** Two processes at once in one folder: one of them is refused, or both end well; the result is right either way. */
import path from 'node:path';
import { Random } from '../../../src/base/random';
import { inParallel, isAsked, type Setting, trialsOf } from '../section';
import { CASES } from './cases';
import { SMALL } from './material';
import type { Ended, Place } from './program';
import { errorProblems, measure, type Reference, settle, start, trialFolder } from './trial';
import { leftIn, nearest, readTree } from './tree';

export const SECTION = 'pairs';
const TRIALS = 4;

/** Pairs of different commands: the second is run beside the first, which decides what the result has to be. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  train: ['build-graph', 'embedded-pretrain', ...SMALL, '--set', 'network.width=8', '--out', 'pre'],
};
const ALONE = /^(predict|profile|tune|inspect|data info.*)$| over another$/;

interface Pair {
  readonly name: string;
  readonly command: (typeof CASES)[number];
  readonly other: readonly string[];
}

const PAIRS: readonly Pair[] = CASES.filter(({ name }) => !ALONE.test(name)).flatMap((command): Pair[] => {
  const { name, args } = command;
  const same = { name: `${name} twice`, command, other: args };
  return name in OTHERS
    ? [same, { name: `${name} and ${OTHERS[name][0]}`, command, other: OTHERS[name] }]
    : [same];
});

export async function pairs(setting: Setting, material: Place): Promise<void> {
  const { work, report, seed, jobs, short, say } = setting;
  const asked = PAIRS.filter(({ name }) => isAsked(setting, name));
  await inParallel(asked, jobs, async ({ name, command, other }) => {
    const reference = await measure(command, material, path.join(work, SECTION, `of ${name}`), true);
    for (const trial of trialsOf(setting, short ? 1 : TRIALS)) {
      const delay = trial === 0 ? 0 : new Random(seed, SECTION, name, trial).uniform() * reference.seconds;
      const place = start(reference.prepared, trialFolder(work, SECTION, name, trial));
      const ends = await both(place, command.args, other, delay);
      const problems = await judge(reference, place, ends);
      report.add({ section: SECTION, name, trial, what: `the second ${delay.toFixed(2)} s later`, problems });
      place.remove();
    }
    reference.prepared.remove();
    say(`${SECTION}: ${name}`);
  });
}

const both = (place: Place, first: readonly string[], second: readonly string[], delay: number): Promise<Ended[]> =>
  Promise.all([
    place.run(first),
    new Promise((resolve) => setTimeout(resolve, 1000 * delay)).then(() => place.run(second)),
  ]);

/** Whoever was refused said so in a line; what is there then is right, or becomes so when the command is run again. */
async function judge(reference: Reference, place: Place, ends: readonly Ended[]): Promise<string[]> {
  const problems = ends.flatMap((ended) => [
    ...ended.problems,
    ...(ended.code === 0 ? [] : ended.code === 1 ? errorProblems(ended) : [`ended with ${ended.code ?? ended.signal}`]),
  ]);
  if (ends.every(({ code }) => code !== 0))
    problems.push(`both were refused: ${ends.map(({ stderr }) => stderr.trim()).join(' / ')}`);
  problems.push(...leftIn(place.tmp));
  const [first] = ends;
  const isSame = nearest(readTree(place.work), reference.after);
  if (first.code === 0) problems.push(...isSame);
  return [...problems, ...(await settle(reference, { place }))];
}
