/**
 * The pages of src/web, built into dist/web: static files for any server. At the top the page that trains, in model/ the one
 * of `selfie export --to web`, to which the command adds a model, and the runtime's WebAssembly for both. esbuild refuses
 * modules of Node, so that what the pages take from the rest of src stays free of them, but for the hash of a run's images.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

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

export async function buildPages(root, out) {
  const source = path.join(root, 'src', 'web');
  const runtime = path.join(root, 'node_modules', 'onnxruntime-web', 'dist');
  const modelOut = path.join(out, 'model');
  mkdirSync(modelOut, { recursive: true });
  await build({
    ...settings,
    entryPoints: {
      page: path.join(source, 'train', 'trainPage.ts'),
      worker: path.join(source, 'train', 'trainWorker.ts'),
    },
    outdir: out,
    alias: { 'node:crypto': path.join(source, 'train', 'sha256.ts') },
    sourcemap: true,
  });
  await build({
    ...settings,
    entryPoints: {
      page: path.join(source, 'model', 'modelPage.ts'),
      model: path.join(source, 'model', 'model.ts'),
    },
    outdir: modelOut,
    // each runtime in a file of its own, which is loaded where it is needed
    splitting: true,
    chunkNames: '[name]-[hash]',
  });
  writeFileSync(path.join(out, 'package.json'), '{ "type": "module" }\n');
  cpSync(path.join(source, 'train', 'index.html'), path.join(out, 'index.html'));
  cpSync(path.join(source, 'model', 'index.html'), path.join(modelOut, 'index.html'));
  // `asyncify` is the one that has WebGPU
  for (const build of ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify']) {
    for (const extension of ['mjs', 'wasm'])
      cpSync(path.join(runtime, `${build}.${extension}`), path.join(modelOut, `${build}.${extension}`));
  }
}
