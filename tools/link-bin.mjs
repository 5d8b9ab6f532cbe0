/**
 * Puts `selfie` among the installed programs, so that `npx selfie` in this repository starts at once: npm links the
 * programs of dependencies, not the package's own, and npx would first make an installation of it in npm's cache.
 */
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, URL } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
// Windows needs rights for links; npx's own way works there too.
if (process.platform !== 'win32' && existsSync(folder)) {
  const link = path.join(folder, 'selfie');
  rmSync(link, { force: true });
  symlinkSync('../../bin/selfie.js', link);
}
