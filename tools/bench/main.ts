/** `npm run bench`: whole training steps of ours and of others, and what ours cost (see --help). */
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '../../src/base/files';
import { describeError } from '../../src/commands/describeError';
import type { CaseName } from './cases';
import { ablateCase, compareCase, describeCase, overheadCase } from './compare';
import { isOurs } from './contestants';
import { curvesCsv, describeCurves, measureCurves } from './curves';
import { parseOptions, type BenchOptions } from './options';
import { findPython } from './python';
import type { Setting } from './rounds';

/** from dist/tools/bench */
const ROOT = path.resolve(__dirname, '../../..');
const CASE_MODES = { compare: compareCase, ablate: ablateCase, overhead: overheadCase } as const;

const progress = (line: string) => process.stderr.write(`${line}\n`);
const print = (text: string) => process.stdout.write(`${text}\n`);

function settingOf(options: BenchOptions): Setting {
  const { rounds, wrap, timeoutSeconds, contestants } = options;
  const needsPython = contestants.some((contestant) => !isOurs(contestant));
  const python = needsPython ? findPython(ROOT, options.python, progress) : '';
  return { root: ROOT, python, rounds, wrap, timeoutSeconds, progress };
}

/** Measures and prints one case. */
async function measure(name: CaseName, options: BenchOptions, setting: Setting): Promise<unknown> {
  if (options.mode === 'curves') {
    const report = await measureCurves(name, options, setting);
    print(`${describeCurves(report)}\n`);
    if (options.csv !== undefined) writeFileAtomic(options.csv, curvesCsv(report));
    return report;
  }
  const report = await CASE_MODES[options.mode](name, options, setting);
  print(`${describeCase(report, options)}\n`);
  return report;
}

async function main(args: readonly string[]): Promise<void> {
  const options = await parseOptions(args);
  if (!options) return;
  const start = performance.now();
  const setting = settingOf(options);
  const results: unknown[] = [];
  for (const name of options.cases) results.push(await measure(name, options, setting));

  const [{ model }] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const machine = { processor: model.trim(), cores: cpus().length, memoryGb };
  const date = new Date().toISOString();
  const minutes = (performance.now() - start) / 60_000;
  print(
    `${machine.processor}, ${machine.cores} cores, ${memoryGb} GB; ${date}, ${minutes.toFixed(1)} minutes.`,
  );
  if (options.json !== undefined) {
    const settings = { ...options, contestants: options.contestants.map(({ name }) => name) };
    writeFileAtomic(options.json, `${JSON.stringify({ date, machine, settings, results }, null, 2)}\n`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
