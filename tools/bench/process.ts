/** What a process knows of itself on Linux: how long it has lived, the most memory it has had, what it was started with. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc, which Linux fixes for programs. */
const TICKS = 100;

/** Seconds since this process was started, to a hundredth. */
export function processAge(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // behind the name in parentheses, which may hold blanks, `starttime` is the 20th field
  const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return uptime - startTicks / TICKS;
}

/** VmHWM: the largest resident memory so far, MB of 2^20 bytes. */
export function peakMegabytes(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Memory in use on the first GPU by all processes, MB of 2^20 bytes. Throws where nvidia-smi does not tell. */
export function deviceMegabytes(): number {
  const args = ['-i', '0', '--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  const { stdout, error } = spawnSync('nvidia-smi', args, { encoding: 'utf8' });
  const used = Number.parseFloat(stdout ?? '');
  if (error || Number.isNaN(used)) throw new Error(`nvidia-smi ${args.join(' ')} gave no number`);
  return used;
}

/**
 * Why this process does not run as its environment asks, undefined where it does: the loader only warns of a library that
 * it cannot preload, and huge pages may be off in the kernel.
 */
export function environmentProblem(): string | undefined {
  const { LD_PRELOAD: library = '', GLIBC_TUNABLES: tunables = '' } = process.env;
  if (library !== '' && !readFileSync('/proc/self/maps', 'utf8').includes(library))
    return `${library} is not installed (Debian: libtcmalloc-minimal4)`;
  const pages = '/sys/kernel/mm/transparent_hugepage/enabled';
  if (
    tunables.includes('hugetlb=1') &&
    !(existsSync(pages) && !readFileSync(pages, 'utf8').includes('[never]'))
  )
    return `transparent huge pages are off (${pages})`;
  return undefined;
}
