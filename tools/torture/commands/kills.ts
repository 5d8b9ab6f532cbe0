/** Kills: every command is killed at a random moment or at a chosen call of the file system, and run again. */
import { Random } from '../../../src/base/random';
import { inParallel, type Setting, trialsOf } from '../section';
import { CASES, casesOf } from './cases';
import { KILLS } from './hook';
import type { Disturbance, Place } from './program';
import { disturb, measure, type Reference, settle, trialFolder } from './trial';

export const SECTION = 'kills';

/** Half of the kills are at a moment, half at a call: before it, after it or within. Half are of a process that is number 1. */
function draw(seed: number, { command, seconds, calls }: Reference, trial: number): Disturbance {
  const random = new Random(seed, SECTION, command.name, trial);
  const share = random.uniform();
  // children have numbers of their own in containers, too
  const pid = trial % 4 > 1 && command.name !== 'experiment' ? 1 : undefined;
  if (calls === 0 || trial % 2 === 1) return { pid, signals: [['SIGKILL', share * seconds]] };
  return { pid, hook: { at: 1 + Math.floor(share * calls), act: KILLS[random.integer(KILLS.length)] } };
}

export const describe = ({ hook, signals = [], pid }: Disturbance, noted: string): string =>
  [
    ...(pid === undefined ? [] : [`as process ${pid}`]),
    ...(hook ? [`${hook.act} ${noted || 'a call that did not come'} (call ${hook.at})`] : []),
    ...signals.map(([name, after]) => `${name} after ${after.toFixed(2)} s`),
  ].join(', ');

export async function kills(setting: Setting, material: Place): Promise<void> {
  const { work, report, seed, jobs, say } = setting;
  const cases = casesOf(setting);
  let killed = 0;
  await inParallel(cases, jobs, async (command) => {
    const reference = await measure(setting, command, material);
    const { name } = command;
    const first = { section: SECTION, name, trial: 0, what: 'not disturbed', problems: reference.problems };
    if (reference.problems.length > 0) report.add(first, 0);
    for (const trial of trialsOf(setting, setting.short ? 2 : Math.ceil(setting.kills / CASES.length))) {
      const disturbance = draw(seed, reference, trial);
      const done = await disturb(reference, trialFolder(work, SECTION, name, trial), disturbance);
      if (done.ended.signal === 'SIGKILL' || done.ended.noted !== '') killed++;
      const problems = [...done.problems, ...(await settle(reference, done, { pid: disturbance.pid }))];
      report.add({ section: SECTION, name, trial, what: describe(disturbance, done.ended.noted), problems });
      done.place.remove();
    }
    say(`${SECTION}: ${name} (${reference.seconds.toFixed(1)} s, ${reference.calls} calls)`);
  });
  report.figure(`kills: ${killed} processes died, of ${cases.length} commands`);
}
