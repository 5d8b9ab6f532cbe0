/** What a process knows of itself on Linux: how long it has lived and the most memory it has had. */
import { readFileSync } from 'node:fs';

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
