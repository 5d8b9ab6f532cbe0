/**
 * `npm run verify:portable -- DIR [--data embedded] [--steps 100] [--rate 0.01] [--python python3] [--chromium
 * /usr/bin/chromium]`: trains the bundle of DIR in Node, in Python and in a browser by the drivers of tools/examples, at `rate`
 * times the recipe's learning rate, and compares them. Python needs onnxruntime, numpy, safetensors. Exits 1 where a runtime is further off than rounding explains.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '../../../src/commands/describeError';
import { UserError } from '../../../src/base/errors';
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
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string', default: 'embedded' },
      steps: { type: 'string', default: '100' },
      rate: { type: 'string', default: String(SLOW) },
      python: { type: 'string', default: 'python3' },
      chromium: { type: 'string', default: CHROMIUM },
    },
  });
  const steps = Number(values.steps);
  if (positionals.length !== 1) throw new UserError('give one run folder or bundle');
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new UserError(`--steps ${values.steps}: must be a positive whole number`);
  const rate = Number(values.rate);
  if (!(rate > 0)) throw new UserError(`--rate ${values.rate}: must be above 0`);
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-portable-'));
  try {
    const rows: PortableRow[] = [];
    const options = { ...values, directory: positionals[0], steps, rate, folder };
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
