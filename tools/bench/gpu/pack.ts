/** Collects what run.sh needs on a machine without network and Node into parts that can be carried (see README.md). */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { describeError } from '../../../src/commands/describeError';
import { positional, text, whole } from '../../../src/commands/command';
import { UserError } from '../../../src/base/errors';
import { packagesToRun, pinned, readLock, runtimeVersion } from './packages';

/** from dist/tools/bench/gpu */
const ROOT = path.resolve(__dirname, '../../../..');
const NATIVE = 'bin/napi-v6/linux/x64';
/** pip matches the number exactly */
const PLATFORMS = [
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
];

interface PackOptions {
  readonly out: string;
  readonly partBytes: number;
  readonly cpuOnly: boolean;
  readonly pythonVersion: string;
  readonly wheels: readonly string[];
  readonly wheelFolder: string | undefined;
  readonly pip: string;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

function parse(args: readonly string[]): PackOptions | undefined {
  let asksHelp = false;
  const parsed = yargs([...args])
    .scriptName('node dist/tools/bench/gpu/pack.js')
    .command('$0 <out>', 'pack the GPU benchmark into parts', (y) =>
      y.positional('out', positional('new folder for the parts')),
    )
    .options({
      'part-mib': whole('--part-mib', 1, 'largest part, MiB (default: 60)'),
      'cpu-only': {
        type: 'boolean',
        default: false,
        describe: 'without onnxruntime-gpu, for run.sh --device cpu',
      },
      'python-version': text("of the machine's python3 (default: 3.12)"),
      wheel: {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'one more wheel to carry, NAME==VERSION',
      },
      'wheel-folder': text('take all wheels from here, download nothing'),
      pip: text('Python whose pip downloads (default: python3)'),
    })
    .locale('en')
    .wrap(110)
    .version(false)
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      throw new UserError(message ?? 'wrong usage');
    })
    .parseSync([...args], (_error: unknown, _argv: unknown, output: string) => {
      asksHelp = output !== '';
      if (asksHelp) process.stdout.write(`${output}\n`);
    });
  if (asksHelp) return undefined;
  return {
    out: String(parsed.out),
    partBytes: (parsed.partMib ?? 60) * 2 ** 20,
    cpuOnly: parsed.cpuOnly,
    pythonVersion: parsed.pythonVersion ?? '3.12',
    wheels: parsed.wheel,
    wheelFolder: parsed.wheelFolder,
    pip: parsed.pip ?? 'python3',
  };
}

function requireMachine(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new UserError(
      `pack on Linux x64: the node that is packed is this one (${process.platform} ${process.arch})`,
    );
  const { variables } = process.config as { variables: { node_shared?: boolean } };
  if (variables.node_shared === true)
    throw new UserError(`${process.execPath} needs libnode.so; pack with a node from nodejs.org`);
}

/** Everything but wheels, as it lies in the repository; `node` in bin/. */
function stageFiles(stage: string): void {
  const copy = (from: string, keep: (file: string) => boolean = () => true) => {
    const source = path.join(ROOT, from);
    cpSync(source, path.join(stage, from), { recursive: true, dereference: true, filter: keep });
  };
  mkdirSync(path.join(stage, 'bin'));
  copyFileSync(process.execPath, path.join(stage, 'bin', 'node'));
  copy('bin/selfie.js');
  copy('package.json');
  for (const folder of ['dist/src', 'dist/graphs', 'dist/tools', 'dist/package.json'])
    copy(folder, (file) => !/\.(map|d\.ts)$/.test(file));
  for (const folder of ['tools/bench/peers', 'tools/reference'])
    copy(folder, (file) => !file.includes('__pycache__'));
  const lock = readLock(ROOT);
  for (const folder of packagesToRun(lock, (name) => existsSync(path.join(ROOT, name))))
    copy(folder, (file) => {
      const inside = path.relative(path.join(ROOT, folder), file);
      if (inside.startsWith('node_modules')) return false; // has a line of its own
      if (folder !== 'node_modules/onnxruntime-node' || !inside.startsWith('bin/')) return true;
      return NATIVE.startsWith(inside) || inside.startsWith(NATIVE);
    });
}

function stageWheels(stage: string, options: PackOptions): void {
  const folder = path.join(stage, 'wheels');
  mkdirSync(folder);
  const runtime = `onnxruntime-gpu==${runtimeVersion(ROOT, readLock(ROOT))}`;
  const requirements = readFileSync(path.join(ROOT, 'tools/bench/requirements.txt'), 'utf8');
  const wanted = [
    ...(options.cpuOnly ? [] : [runtime]),
    pinned(requirements, 'safetensors'),
    ...options.wheels,
  ];
  if (options.wheelFolder === undefined) {
    say(`downloading ${wanted.join(', ')}`);
    const platforms = PLATFORMS.flatMap((name) => ['--platform', name]);
    const python = ['--implementation', 'cp', '--python-version', options.pythonVersion];
    const common = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
    const { status, error } = spawnSync(
      options.pip,
      [...common, ...python, ...platforms, '-d', folder, ...wanted],
      {
        stdio: ['ignore', 2, 2],
      },
    );
    if (error ?? status !== 0)
      throw new UserError(`${options.pip} -m pip download failed (see above); or give --wheel-folder`);
  } else {
    for (const file of readdirSync(options.wheelFolder).filter((name) => name.endsWith('.whl')))
      copyFileSync(path.join(options.wheelFolder, file), path.join(folder, file));
  }
  const files = readdirSync(folder);
  for (const specification of wanted) {
    const prefix = specification.replaceAll('-', '_').replace('==', '-').toLowerCase();
    if (!files.some((file) => file.toLowerCase().startsWith(`${prefix}-`)))
      throw new UserError(`${options.wheelFolder ?? 'pip'}: no wheel of ${specification}`);
  }
}

/** `stage` as a gzipped tar, cut into files of at most `partBytes`; returns their sums. */
async function writeParts(stage: string, out: string, partBytes: number): Promise<string[]> {
  const tar = spawn('tar', ['-C', stage, '-czf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) =>
    tar.once('error', reject).once('close', resolve),
  );
  const sums: string[] = [];
  let pending: Buffer[] = [];
  let size = 0;
  const flush = () => {
    if (size === 0) return;
    const part = Buffer.concat(pending);
    const name = `part-${String(sums.length).padStart(3, '0')}`;
    writeFileSync(path.join(out, name), part);
    sums.push(`${createHash('sha256').update(part).digest('hex')}  ${name}`);
    [pending, size] = [[], 0];
  };
  for await (const chunk of tar.stdout as AsyncIterable<Buffer>) {
    let rest = chunk;
    while (size + rest.length >= partBytes) {
      const taken = partBytes - size;
      pending.push(rest.subarray(0, taken));
      size += taken;
      rest = rest.subarray(taken);
      flush();
    }
    pending.push(rest);
    size += rest.length;
  }
  flush();
  const status = await ended;
  if (status !== 0) throw new UserError(`tar ended with ${status}`);
  return sums;
}

async function main(args: readonly string[]): Promise<void> {
  const options = parse(args);
  if (!options) return;
  requireMachine();
  const { out, partBytes } = options;
  if (existsSync(out)) throw new UserError(`${out}: exists already; give a new folder`);
  const stage = mkdtempSync(path.join(tmpdir(), 'selfie-pack-'));
  const unfinished = `${out}.tmp`;
  try {
    say('collecting files');
    stageFiles(stage);
    stageWheels(stage, options);
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    say('packing');
    const sums = await writeParts(stage, unfinished, partBytes);
    writeFileSync(path.join(unfinished, 'SHA256SUMS'), `${sums.join('\n')}\n`);
    for (const file of ['run.sh', 'README.md'])
      copyFileSync(path.join(ROOT, 'tools/bench/gpu', file), path.join(unfinished, file));
    renameSync(unfinished, out);
    process.stdout.write(`${out}: ${sums.length} parts; carry all files, then bash run.sh --help\n`);
  } finally {
    for (const folder of [stage, unfinished]) rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeError(error, Boolean(process.env.SELFIE_DEBUG))}\n`);
  process.exitCode = 1;
});
