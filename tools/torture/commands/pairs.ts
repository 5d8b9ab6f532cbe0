/** Two processes at once in one folder: one of them is refused, or both end well; the result is right either way. */
import { append } from '../../../src/base/lists';
import { Random } from '../../../src/base/random';
import { inParallel, isAsked, type Setting, trialsOf } from '../section';
import { CASES, type CommandCase } from './cases';
import { PRETRAIN, SMALL } from './material';
import type { Ended, Place } from './program';
import { errorProblems, measure, type Reference, settle, start, trialFolder } from './trial';
import { leftIn, nearest, readTree } from './tree';

export const SECTION = 'pairs';
const TRIALS = 4;

/** So long that two of them meet. */
const TRAIN = ['train', 'pre', '--steps', '150', ...PRETRAIN];

interface Pair {
  readonly name: string;
  readonly command: CommandCase;
  readonly other: readonly string[];
  /** what the command alone makes is not what both make: one of them has to be refused */
  readonly isExclusive: boolean;
}

const SHORT = /^train twice$/;
const ALONE = /^(train.*|predict|profile|tune|inspect|data info.*)$| over another$/;
const SAME = CASES.filter(({ name }) => !ALONE.test(name)).map((command): Pair => ({
  name: `${command.name} twice`,
  command,
  other: command.args,
  isExclusive: false,
}));

function withTraining(name: string, other: readonly string[]): Pair[] {
  return CASES.filter((each) => each.name === 'train').map((each) => {
    const command = { ...each, name: `train of ${name}`, args: TRAIN, again: [...TRAIN, '--resume'] };
    return { name, command, other, isExclusive: true };
  });
}

const PAIRS: readonly Pair[] = [
  ...withTraining('train twice', TRAIN),
  ...withTraining('train with another seed', [...TRAIN, '--seed', '1']),
  ...withTraining('train and build-graph', [
    ...['build-graph', 'embedded-pretrain', ...SMALL],
    ...['--set', 'network.width=8', '--out', 'pre'],
  ]),
  ...SAME,
];

export async function pairs(setting: Setting, material: Place): Promise<void> {
  const { work, report, seed, jobs, short, say } = setting;
  const asked = PAIRS.filter(({ name }) => isAsked(setting, name) && (!short || SHORT.test(name)));
  await inParallel(asked, jobs, async ({ name, command, other, isExclusive }) => {
    const reference = await measure(setting, command, material);
    for (const trial of trialsOf(setting, short ? 1 : TRIALS)) {
      const delay =
        trial === 0 ? 0 : new Random(seed, SECTION, name, trial).uniform() * reference.seconds * 0.4;
      const place = start(reference.prepared, trialFolder(work, SECTION, name, trial));
      const ends = await both(place, command.args, other, delay);
      const problems = await judge(reference, place, ends, isExclusive);
      report.add({ section: SECTION, name, trial, what: `the second ${delay.toFixed(2)} s later`, problems });
      place.remove();
    }
    say(`${SECTION}: ${name}`);
  });
}

const both = (
  place: Place,
  first: readonly string[],
  second: readonly string[],
  delay: number,
): Promise<Ended[]> =>
  Promise.all([
    place.run(first),
    new Promise((resolve) => setTimeout(resolve, 1000 * delay)).then(() => place.run(second)),
  ]);

/** Whoever was refused said so in a line; what is there then is right, or becomes so when the command is run again. */
async function judge(
  reference: Reference,
  place: Place,
  ends: readonly Ended[],
  isExclusive: boolean,
): Promise<string[]> {
  const problems = ends.flatMap((ended) => [
    ...ended.problems,
    ...(ended.code === 0
      ? []
      : ended.code === 1
        ? errorProblems(ended)
        : [`ended with ${ended.code ?? ended.signal}`]),
  ]);
  if (ends.every(({ code }) => code !== 0))
    problems.push(`both were refused: ${ends.map(({ stderr }) => stderr.trim()).join(' / ')}`);
  if (isExclusive && ends.every(({ code }) => code === 0)) problems.push('both ended with 0');
  append(problems, leftIn(place.tmp));
  const [first] = ends;
  if (first.code === 0) append(problems, nearest(readTree(place.work), reference.after));
  // what the other has made is of another kind, and the first does not go on with it
  if (first.code !== 0 && isExclusive) return problems;
  return [...problems, ...(await settle(reference, { place }))];
}
