/**
 * Builds the page of src/web into dist/web: static files for any server. esbuild refuses modules of Node, so that what the page
 * takes from the rest of src stays free of them.
 */
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = path.join(root, 'src', 'web');
const out = path.join(root, 'dist', 'web');
const runtime = path.join(root, 'node_modules', 'onnxruntime-web', 'dist');

mkdirSync(out, { recursive: true });
await build({
  entryPoints: ['page.ts', 'worker.ts'].map((name) => path.join(source, name)),
  outdir: out,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  legalComments: 'linked',
  // the runtime's WebAssembly stays in files of its own
  conditions: ['onnxruntime-web-use-extern-wasm'],
  logLevel: 'warning',
});
cpSync(path.join(source, 'index.html'), path.join(out, 'index.html'));
for (const extension of ['mjs', 'wasm']) {
  const name = `ort-wasm-simd-threaded.${extension}`;
  cpSync(path.join(runtime, name), path.join(out, name));
}
