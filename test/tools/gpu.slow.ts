/** tools/bench/gpu from packing to tables on the CPU, as on a machine without Node: from what was packed and Python alone. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { CheckReport } from '../../tools/bench/gpu/check';
import type { TimeReport } from '../../tools/bench/gpu/time';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const TOOLS = [
  'bash',
  'cat',
  'chmod',
  'cmp',
  'cp',
  'cut',
  'dirname',
  'gzip',
  'mkdir',
  'mv',
  'python3',
  'rm',
].concat(['sha256sum', 'tar', 'uname', 'xargs', 'env', 'ln', 'sed', 'tr', 'ldd']);

/** A folder with the system's tools, to be the whole PATH. */
function toolsWithoutNode(folder: string): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const tool of TOOLS) {
    // What `python3` is may be a script of pyenv's, which needs more tools than these.
    const find = tool === 'python3' ? "python3 -c 'import sys; print(sys.executable)'" : `command -v ${tool}`;
    const found = spawnSync('sh', ['-c', find], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, path.join(bin, tool));
  }
  return bin;
}

test('packed, carried, checked and timed', () =>
  inTemporaryFolder((folder) => {
    const packed = path.join(folder, 'packed');
    const pack = path.join(repositoryRoot, 'dist', 'tools', 'bench', 'gpu', 'pack.js');
    const made = spawnSync(process.execPath, [pack, packed, '--cpu-only', '--part-mib', '40'], {
      encoding: 'utf8',
    });
    expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });
    const parts = readdirSync(packed).filter((name) => name.startsWith('part-'));
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts)
      expect(statSync(path.join(packed, part)).size).toBeLessThanOrEqual(40 * 2 ** 20);

    const run = (...args: string[]) =>
      spawnSync('bash', [path.join(packed, 'run.sh'), ...args], {
        encoding: 'utf8',
        env: { PATH: toolsPath, HOME: folder },
      });
    const toolsPath = toolsWithoutNode(folder);
    const json = path.join(folder, 'report.json');
    const small = [
      '--device',
      'cpu',
      '--case',
      'tiny-pretrain,tiny-finetune',
      '--rounds',
      '1',
      '--steps',
      '4',
    ];
    const done = run(
      ...small,
      '--steps-per-run',
      '2',
      '--only',
      'ours,ours-float16,torch-float16',
      '--json',
      json,
    );
    expect({ status: done.status, stderr: done.stderr }).toMatchObject({ status: 0 });
    expect(done.stdout).toMatch(/^\d+ checks passed, 0 failed, 0 could not be told$/m);
    const { checks, timings } = JSON.parse(readFileSync(json, 'utf8')) as {
      checks: CheckReport[];
      timings: TimeReport[];
    };
    expect(checks.map((check) => [check.case, check.compute])).toEqual([
      ['tiny-pretrain', 'float32'],
      ['tiny-pretrain', 'float16'],
      ['tiny-finetune', 'float32'],
      ['tiny-finetune', 'float16'],
    ]);
    for (const { tables } of timings) {
      const [ours, half] = tables.flatMap(({ rows }) => rows);
      expect([ours.status, half.status]).toEqual(['measured', 'measured']);
      expect(half.firstLoss).not.toBe(ours.firstLoss);
    }

    const noGpu = run();
    expect(noGpu.status).toBe(1);
    expect(noGpu.stderr).toContain('error: no nvidia-smi');
    truncateSync(path.join(packed, parts[0]), 1000);
    const damaged = run('--device', 'cpu', '--work', path.join(folder, 'again'));
    expect(damaged.status).toBe(1);
    expect(damaged.stderr).toContain('a part is damaged');
  }));
