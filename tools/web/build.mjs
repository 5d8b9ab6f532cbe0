/**
 * Builds the pages of src/web into dist/web: static files for any server, the page that trains, and in inference/ the one of
 * `selfie export --to web`, to which the command adds a model and the runtime's WebAssembly. esbuild refuses modules of Node, so that what the page
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

const inference = path.join(out, 'inference');

const settings = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  // the runtime's WebAssembly stays in files of its own
  conditions: ['onnxruntime-web-use-extern-wasm'],
  logLevel: 'warning',
};

mkdirSync(inference, { recursive: true });
await build({
  ...settings,
  entryPoints: ['page.ts', 'worker.ts'].map((name) => path.join(source, name)),
  outdir: out,
  sourcemap: true,
});
await build({
  ...settings,
  entryPoints: ['page.ts', 'model.ts'].map((name) => path.join(source, 'inference', name)),
  outdir: inference,
  // each runtime in a file of its own, which is loaded where it is needed
  splitting: true,
  chunkNames: '[name]-[hash]',
});
cpSync(path.join(source, 'index.html'), path.join(out, 'index.html'));
cpSync(path.join(source, 'inference', 'index.html'), path.join(inference, 'index.html'));
// `asyncify` is the one that has WebGPU
for (const build of ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify']) {
  for (const extension of ['mjs', 'wasm'])
    cpSync(path.join(runtime, `${build}.${extension}`), path.join(out, `${build}.${extension}`));
}
