/**
 * npm's `prepare`: builds where dist/ is missing or older than a source. npm runs it on installation, and npx does once more
 * the first time that a program of this folder is started by it, which must not take the outputs from under whoever runs.
 */
import { execSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, URL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// what a build writes last, so that one that failed does not count
const built = path.join(root, 'dist', 'web', 'ort-wasm-simd-threaded.asyncify.wasm');

const changed = (name) => statSync(path.join(root, name)).mtimeMs;
const inside = (folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.venv|__pycache__/.test(entry.parentPath))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));

const sources = [...['src', 'graphs', 'tools', 'test'].flatMap(inside), 'package.json', 'tsconfig.json'];
if (!existsSync(built) || sources.some((name) => changed(name) > statSync(built).mtimeMs)) {
  execSync('npm run build', { cwd: root, stdio: 'inherit' });
}
