/** `npm run bench`: whole training steps of ours and of others, and what ours cost (see --help). */
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '../../src/atomic';
import { describeError } from '../../src/commands/describeError';
import { compareCase, describeCase, type CaseReport } from './compare';
import { isOurs } from './contestants';
import { parseOptions, type BenchOptions } from './options';
import { findPython } from './python';
import type { Setting } from './rounds';

/** from dist/tools/bench */
const ROOT = path.resolve(__dirname, '../../..');

const progress = (line: string) => process.stderr.write(`${line}\n`);
const print = (text: string) => process.stdout.write(`${text}\n`);

function settingOf(options: BenchOptions): Setting {
  const { rounds, warmup, wrap, timeoutSeconds, contestants } = options;
  const needsPython = contestants.some((contestant) => !isOurs(contestant));
  const python = needsPython ? findPython(ROOT, options.python, progress) : '';
  return { root: ROOT, python, rounds, warmup, wrap, timeoutSeconds, progress };
}

function machine() {
  const [{ model }] = cpus();
  return { processor: model.trim(), cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30) };
}

async function compare(options: BenchOptions): Promise<unknown> {
  const setting = settingOf(options);
  const reports: CaseReport[] = [];
  for (const name of options.cases) {
    const report = await compareCase(name, options, setting);
    reports.push(report);
    print(`${describeCase(report, options)}\n`);
  }
  return reports;
}

async function main(args: readonly string[]): Promise<void> {
  const options = await parseOptions(args);
  if (!options) return;
  const start = performance.now();
  const results = await compare(options);
  const { processor, cores, memoryGb } = machine();
  const minutes = (performance.now() - start) / 60_000;
  print(
    `${processor}, ${cores} cores, ${memoryGb} GB; ${new Date().toISOString()}, ${minutes.toFixed(1)} minutes.`,
  );
  if (options.json !== undefined) {
    const settings = { ...options, contestants: options.contestants.map(({ name }) => name) };
    const report = { date: new Date().toISOString(), machine: machine(), settings, results };
    writeFileAtomic(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
