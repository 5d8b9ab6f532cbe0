/**
 * `npm run package-check -- [--node 20.19,22,24]`: packs this package, installs it in an empty folder from the registry alone
 * and tries it there as users do, on the Node that runs this or on each version that is named. Exits 1 where something fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../../package.json';
import { describeError } from '../../src/commands/describeError';
import { CHECKS } from './checks';
import { Consumer } from './consumer';
import { sizeOf } from './tree';

/** from dist/tools/package-check */
const ROOT = path.resolve(__dirname, '..', '..', '..');
const MIB = 2 ** 20;

const say = (line: string) => process.stdout.write(`${line}\n`);

function pack(folder: string): string {
  const args = ['pack', '--ignore-scripts', '--pack-destination', folder];
  const { status, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  return path.join(folder, `selfie-onnx-${version}.tgz`);
}

/** The folder of the `node` of that version, from npm's package of that name. */
function fetchNode(folder: string, wanted: string): string {
  const consumer = new Consumer(folder, path.dirname(process.execPath));
  consumer.run('npm', 'install', '--no-audit', '--no-fund', `node@${wanted}`);
  return consumer.path('node_modules', 'node', 'bin');
}

/** Number of checks that failed. */
async function check(consumer: Consumer, tarball: string): Promise<number> {
  let failed = 0;
  const attempt = async (name: string, run: () => void | Promise<void>) => {
    const started = performance.now();
    const problem = await Promise.resolve()
      .then(run)
      .then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(
      `${problem === undefined ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)${problem === undefined ? '' : `: ${problem}`}`,
    );
    if (problem !== undefined) failed++;
    return problem === undefined;
  };
  const install = () =>
    void consumer.run('npm', 'install', '--engine-strict', '--no-audit', '--no-fund', tarball);
  if (!(await attempt('npm install in an empty folder', install))) return failed;
  const all = sizeOf(consumer.path('node_modules'));
  const runtime = sizeOf(consumer.path('node_modules', 'onnxruntime-node'));
  const own = sizeOf(consumer.installed());
  const [total, ...parts] = [all, runtime, own].map((bytes) => `${Math.round(bytes / MIB)} MiB`);
  say(`     installed: ${total}, of it onnxruntime-node ${parts[0]}, selfie-onnx ${parts[1]}`);
  for (const { name, run } of CHECKS) await attempt(name, () => run(consumer, ROOT));
  return failed;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { node: { type: 'string' } } });
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-package-'));
  try {
    const tarball = pack(folder);
    let failed = 0;
    for (const wanted of values.node?.split(',') ?? [undefined]) {
      const name = wanted ?? 'present';
      const node =
        wanted === undefined
          ? path.dirname(process.execPath)
          : fetchNode(path.join(folder, `node-${name}`), wanted);
      const consumer = new Consumer(path.join(folder, `consumer-${name}`), node);
      say(`Node ${consumer.run('node', '--version').trim()}`);
      failed += await check(consumer, tarball);
    }
    if (failed > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
