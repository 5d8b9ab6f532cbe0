/**
 * `npm run verify:portable -- DIR`: trains the bundle of DIR in Node, in Python and in a browser by the drivers of tools/examples
 * and compares them. Exits 1 where a runtime is further off than rounding explains.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { positive, whole } from '../../../src/commands/command';
import { describeError } from '../../../src/commands/describeError';
import { type Column, formatTable } from '../../bench/table';
import { CHROMIUM } from './browser';
import { checkPortable, type PortableRow, SLOW } from './check';

const small = (value: number) => (value === 0 ? '0' : value.toExponential(1));

const COLUMNS: readonly Column<PortableRow>[] = [
  { title: 'runtime', cell: ({ runtime }) => runtime, align: 'left' },
  { title: 'steps', cell: ({ steps }) => String(steps) },
  { title: 'largest difference of the loss', cell: ({ found }) => small(found.loss) },
  { title: 'of the state, median tensor', cell: ({ found }) => small(found.median) },
  { title: 'largest', cell: ({ found }) => small(found.largest) },
  { title: 'tensor', cell: ({ found }) => found.tensor, align: 'left' },
  { title: '', cell: ({ passed }) => (passed === null ? '' : passed ? 'ok' : 'FAIL'), align: 'left' },
];

async function main(): Promise<void> {
  const given = yargs(process.argv.slice(2))
    .scriptName('npm run verify:portable --')
    .command('$0 <dir>', 'train a run or bundle in Node, Python and a browser, and compare them', (command) =>
      command.positional('dir', { type: 'string', demandOption: true }),
    )
    .options({
      data: { type: 'string', default: 'embedded', describe: 'source of the images' },
      steps: whole('--steps', 1, 'default: 100'),
      rate: positive('--rate', `times the recipe's learning rate (default: ${SLOW})`),
      python: { type: 'string', default: 'python3', describe: 'with onnxruntime, numpy, safetensors' },
      chromium: { type: 'string', default: CHROMIUM, describe: 'the browser' },
    })
    .version(false)
    .strict()
    .parseSync();
  const { data, python, chromium, steps = 100, rate = SLOW } = given;
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-portable-'));
  try {
    const rows: PortableRow[] = [];
    const options = { directory: String(given.dir), data, python, chromium, steps, rate, folder };
    for await (const row of checkPortable(process.cwd(), options, (line) =>
      process.stderr.write(`${line}\n`),
    )) {
      rows.push(row);
    }
    process.stdout.write(`${formatTable(COLUMNS, rows)}\n`);
    if (rows.some(({ passed }) => passed === false)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
