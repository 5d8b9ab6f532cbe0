/** `npm run mutate`: breaks the sources on purpose, one small fault at a time, and counts which faults the tests see. */
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { describeError } from '../../src/commands/describeError';
import { exitOnSignals } from '../../src/commands/signals';
import { UserError } from '../../src/base/errors';
import { type Fault, namedFaults, ROOMS, sampleOf } from './plan';
import { keyOf, Results, wholeState } from './results';
import { Sandbox } from './sandbox';
import { Suites } from './suites';
import { LEAST, summary, type Tried } from './table';
import { Trial } from './trial';

/** from dist/tools/mutate */
const root = path.resolve(__dirname, '..', '..', '..');

const parser = yargs(process.argv.slice(2))
  .scriptName('npm run mutate --')
  .usage(
    '$0 [options]\n\nBreaks the sources on purpose, one small fault at a time, and counts which faults the tests see.',
  )
  .options({
    count: { type: 'number', default: 120, describe: 'mutants in the sample' },
    seed: { type: 'number', default: 0, describe: 'of the draw' },
    rooms: {
      type: 'string',
      default: ROOMS.join(),
      describe: 'folders whose mutants are drawn, joined by commas',
    },
    named: {
      type: 'string',
      default: '',
      requiresArg: true,
      describe: 'only the named faults with this in their names (default: all)',
    },
    suites: { type: 'number', default: 8, describe: 'suites that are run for a fault, the nearest ones' },
    workers: { type: 'number', default: availableParallelism(), describe: 'faults that are tried at once' },
    work: {
      type: 'string',
      default: path.join(tmpdir(), 'selfie-mutate'),
      describe: 'folder of the copies and the results',
    },
    fresh: { type: 'boolean', default: false, describe: 'forget what earlier runs found' },
  })
  .strict();

async function main(): Promise<void> {
  const { count, seed, rooms: list, named, suites: most, workers, fresh, ...given } = await parser.parse();
  const work = path.resolve(given.work);
  const rooms = list.split(',').filter((room) => room !== '');
  for (const [option, value] of Object.entries({ count, suites: most, workers }))
    if (!Number.isSafeInteger(value) || value < (option === 'count' ? 0 : 1))
      throw new UserError(`--${option} ${value}: must be a whole number`);
  exitOnSignals();
  mkdirSync(work, { recursive: true });
  const file = path.join(work, 'results.jsonl');
  if (fresh) rmSync(file, { force: true });
  const results = new Results(file, wholeState(root));
  const faults = [
    ...namedFaults(root).filter(({ title }) => title.includes(named)),
    ...sampleOf(root, rooms, count, seed),
  ];
  const open = faults.filter((fault) => !results.of(keyOf(fault)));
  process.stderr.write(
    `${faults.length} faults, ${faults.length - open.length} of them known from ${file}\n`,
  );
  await tryAll(root, open, results, { most, workers, work });
  const all = faults.map((fault): Tried => {
    const result = results.of(keyOf(fault));
    if (!result) throw new Error(`${fault.title} was not tried`);
    return { fault, result };
  });
  const { lines, passed } = summary(all, rooms);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (passed) return;
  process.stderr.write(
    `error: fewer than ${100 * LEAST} % of the sample or not all of the named were killed\n`,
  );
  process.exitCode = 1;
}

/** Tries the faults, a sandbox a worker, and notes what comes of each. */
async function tryAll(
  root: string,
  faults: readonly Fault[],
  results: Results,
  { most, workers, work }: { most: number; workers: number; work: string },
): Promise<void> {
  if (faults.length === 0) return;
  const sandboxes = Array.from({ length: workers }, (_, i) => new Sandbox(root, path.join(work, String(i))));
  const trial = new Trial(root, new Suites(root), most);
  const failing = await trial.prove(sandboxes[0], faults, workers, path.join(work, 'suites.json'));
  if (failing.length > 0)
    process.stderr.write(
      `warning: these suites fail without any fault and are left out: ${failing.join(', ')}\n`,
    );
  const queue = faults.entries();
  const lane = async (sandbox: Sandbox) => {
    // the lanes share the queue
    for (const [i, fault] of queue) {
      const found = await trial.try(sandbox, fault);
      results.add({ key: keyOf(fault), title: fault.title, ...found });
      process.stderr.write(`${i + 1}/${faults.length} ${found.outcome} ${found.by ?? ''}  ${fault.title}\n`);
    }
  };
  await Promise.all(sandboxes.map(lane));
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
