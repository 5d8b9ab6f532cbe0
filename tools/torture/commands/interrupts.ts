/** Signals: SIGINT, SIGTERM and SIGHUP end a command in order, a second one at once; the same command goes on later. */
import { Random } from '../../../src/base/random';
import { inParallel, type Setting, trialsOf } from '../section';
import { casesOf } from './cases';
import { describe } from './kills';
import type { Disturbance, Ended, Place } from './program';
import { differences, leftIn, readTree } from './tree';
import { disturb, measure, type Reference, settle, trialFolder } from './trial';

export const SECTION = 'signals';
const TRIALS = 8;

/** Exit codes: 128 and the signal's number. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
/** Seconds after which a second signal is not the first one again, and in which a command that got two has to be gone. */
const SECOND = 0.5;
const AT_ONCE = 1.5;

function draw(
  seed: number,
  { command, seconds }: Reference,
  trial: number,
): Disturbance & { signals: readonly [(typeof SIGNALS)[number], number][] } {
  const random = new Random(seed, SECTION, command.name, trial);
  const name = SIGNALS[trial % SIGNALS.length];
  const at = random.uniform() * seconds;
  return {
    signals:
      trial % 4 === 3
        ? [
            [name, at],
            [name, at + SECOND],
          ]
        : [[name, at]],
  };
}

export async function signals(setting: Setting, material: Place): Promise<void> {
  const { work, report, seed, jobs, short, say } = setting;
  const cases = casesOf(setting).filter(({ isLong }) => isLong);
  await inParallel(cases, jobs, async (command) => {
    const { name } = command;
    const reference = await measure(setting, command, material);
    for (const trial of trialsOf(setting, short ? 1 : TRIALS)) {
      const disturbance = draw(seed, reference, trial);
      const done = await disturb(reference, trialFolder(work, SECTION, name, trial), disturbance);
      const { ended, place } = done;
      const problems = [
        ...done.problems,
        ...endProblems(ended, disturbance.signals),
        // after a second signal the next run removes it, as after a kill
        ...(disturbance.signals.length > 1 && ended.signal !== null
          ? []
          : leftovers(reference, place, ended)),
        ...(await settle(reference, done)),
      ];
      report.add({ section: SECTION, name, trial, what: describe(disturbance, ''), problems });
      place.remove();
    }
    say(`${SECTION}: ${name}`);
  });
}

/** A signal ends it with its code; as the system does it where it came before the command had begun; or it had ended. */
function endProblems(ended: Ended, sent: readonly (readonly [(typeof SIGNALS)[number], number])[]): string[] {
  const [name] = sent[0];
  const last = sent.at(-1)?.[1] ?? 0;
  const problems =
    ended.code === 0 || ended.code === CODES[name] || ended.signal === name
      ? []
      : [`ended with ${ended.code ?? ended.signal}, not with ${CODES[name]}: ${ended.stderr.trim()}`];
  if (sent.length > 1 && ended.seconds > last + AT_ONCE)
    problems.push(`ended ${(ended.seconds - last).toFixed(1)} s after the second signal`);
  return problems;
}

/** What is neither an input nor a result, nor what an unfinished command keeps to go on with. */
function leftovers({ command, before, after }: Reference, place: Place, { signal }: Ended): string[] {
  const known = new Map([...before, ...after[0]]);
  const left = differences(readTree(place.work), known)
    .filter((line) => line.endsWith(' is left over') && !command.unfinished?.test(line))
    .concat(leftIn(place.tmp));
  return left.map((line) => `after the signal, ${line}${signal === null ? '' : ' (the system ended it)'}`);
}
