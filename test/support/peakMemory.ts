/** Preloaded into a process (`node --require`): writes its peak resident memory in bytes to $PEAK_MEMORY when it ends. */
import { writeFileSync } from 'node:fs';

process.on('exit', () =>
  writeFileSync(process.env.PEAK_MEMORY as string, String(process.resourceUsage().maxRSS * 1024)),
);
