/** Empties dist/ before a build, so that outputs of deleted sources do not linger. */
import { rmSync } from 'node:fs';
import { URL } from 'node:url';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
