/**
 * npm's `prepare`: builds where dist/ is missing or older than a source. npm runs it on installation, and npx does once more
 * the first time that a program of this folder is started by it.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { isCurrent } from './dist.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const inside = (folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.venv|__pycache__/.test(entry.parentPath))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));

const sources = [...['src', 'graphs', 'tools', 'test'].flatMap(inside), 'package.json', 'tsconfig.json'];
if (!isCurrent(root, sources)) await import('./main.mjs');
