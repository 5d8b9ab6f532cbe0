/** Checks and times training graphs on a GPU; started by run.sh, which sets the machine up. */
import path from 'node:path';
import { writeFileAtomic } from '../../../src/base/files';
import { describeError } from '../../../src/commands/describeError';
import { requireProvider } from '../../../src/runtime/providers';
import { checkCase, describeCheck, type CheckReport, type Place } from './check';
import { parseGpuOptions } from './options';
import { describeTiming, timeCase, type TimeReport } from './time';

/** from dist/tools/bench/gpu */
const ROOT = path.resolve(__dirname, '../../../..');
const progress = (line: string) => process.stderr.write(`${line}\n`);
const print = (text: string) => process.stdout.write(`${text}\n`);

async function main(args: readonly string[]): Promise<void> {
  const options = await parseGpuOptions(args);
  if (!options) return;
  // with --runtime python the other contestants say by themselves what they lack
  if (options.check && options.runtime === 'node') requireProvider(options.device);
  const place: Place = { root: ROOT, progress };
  const checks: CheckReport[] = [];
  const timings: TimeReport[] = [];
  const save = () => {
    if (options.json === undefined) return;
    const { contestants, ...settings } = options;
    const names = contestants.map(({ contestant }) => contestant.name);
    const report = { date: new Date().toISOString(), settings: { ...settings, contestants: names } };
    writeFileAtomic(options.json, `${JSON.stringify({ ...report, checks, timings }, null, 2)}\n`);
  };
  for (const name of options.check ? options.cases : []) {
    for (const compute of ['float32', 'float16'] as const) {
      const report = await checkCase(name, compute, options, place);
      checks.push(report);
      print(describeCheck(report));
      save();
    }
  }
  for (const name of options.time ? options.cases : []) {
    const report = await timeCase(name, options, place);
    timings.push(report);
    print(describeTiming(report, options));
    save();
  }
  if (!options.check) return;
  const verdicts = checks.flatMap(({ findings }) => findings.map(({ verdict }) => verdict));
  const count = (wanted: string) => verdicts.filter((verdict) => verdict === wanted).length;
  print(`${count('ok')} checks passed, ${count('FAIL')} failed, ${count('open')} could not be told`);
  if (count('FAIL') > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
