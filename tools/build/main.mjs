/** `npm run build`: everything that is compiled, made aside and put into dist/ when it is whole (dist.mjs). */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { buildBundles } from './bundles.mjs';
import { begin, place } from './dist.mjs';
import { buildPages } from './pages.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function compile(...args) {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const folder = begin(root);
// types for those who import selfie-onnx/web; they include some of the files that come next
compile('src/web', '--noEmit', 'false', '--emitDeclarationOnly', '--outDir', folder);
compile('tsconfig.json', '--outDir', folder);
await buildBundles(root, folder);
await buildPages(root, path.join(folder, 'web'));
place(root, folder);
