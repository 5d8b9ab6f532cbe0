/** `npm run torture`: kills, full disks, damaged files, two processes, signals and hostile requests; a table of what fails. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { UserError } from '../../src/base/errors';
import { describeError } from '../../src/commands/describeError';
import { exitOnSignals } from '../../src/commands/signals';
import { full } from './commands/full';
import { signals } from './commands/interrupts';
import { kills } from './commands/kills';
import { makeMaterial } from './commands/material';
import { pairs } from './commands/pairs';
import type { Place } from './commands/program';
import { damaged } from './damage/damaged';
import { Report } from './report';
import type { Setting } from './section';
import { grpc, http } from './serve/served';

const SECTIONS: Readonly<Record<string, (setting: Setting, material: Place) => Promise<void>>> = {
  kills,
  full,
  damage: damaged,
  pairs,
  signals,
  http,
  grpc,
};
const NAMES = Object.keys(SECTIONS);

/** Inputs of a short run. */
const SHORT_DAMAGED = 200;

const parser = yargs(process.argv.slice(2))
  .scriptName('npm run torture --')
  .usage(
    '$0 [options]\n\nKills, full disks, damaged files, two processes, signals and hostile requests; exits 1 where anything fails.',
  )
  .options({
    only: { type: 'string', default: NAMES.join(), describe: 'sections, joined by commas' },
    case: { type: 'string', requiresArg: true, describe: 'one case, or one trial of it: NAME#TRIAL' },
    kills: { type: 'number', default: 360, describe: 'processes that are killed, over all commands' },
    damaged: { type: 'number', default: 10_000, describe: 'damaged inputs, over all readers' },
    seed: { type: 'number', default: 0, describe: 'of everything that is drawn' },
    jobs: { type: 'number', default: 2, describe: 'trials at once' },
    short: { type: 'boolean', default: false, describe: 'a few of each, in less than a minute' },
    work: {
      type: 'string',
      requiresArg: true,
      describe: 'folder to work in (default: a new one, removed at the end)',
    },
  })
  .strict();

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { only, case: one, work: given, ...options } = await parser.parse();
  const sections = only.split(',').filter((name) => name !== '');
  const unknown = sections.filter((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown.length > 0) throw new UserError(`--only ${unknown.join()}: expected ${NAMES.join()}`);
  for (const name of ['kills', 'damaged', 'seed', 'jobs'] as const)
    if (!Number.isSafeInteger(options[name]) || options[name] < (name === 'jobs' ? 1 : 0))
      throw new UserError(`--${name} ${options[name]}: must be a whole number`);
  exitOnSignals();
  const work =
    given === undefined ? mkdtempSync(path.join(tmpdir(), 'selfie-torture-')) : path.resolve(given);
  const remove = () => given === undefined && rmSync(work, { recursive: true, force: true });
  process.once('exit', remove);
  mkdirSync(work, { recursive: true });
  const report = new Report(options.seed, say);
  const damaged = options.short ? Math.min(options.damaged, SHORT_DAMAGED) : options.damaged;
  const setting: Setting = { ...options, damaged, work, report, only: one, say };
  const material = await makeMaterial(path.join(work, 'material'));
  for (const name of sections) {
    const started = performance.now();
    await SECTIONS[name](setting, material);
    say(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  report.lines().forEach((line) => say(line));
  if (report.failed > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
