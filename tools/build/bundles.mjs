/**
 * Packages that are built into this one: of an X.bundle.d.ts in src/, which says what is taken and is its type, X.bundle.js
 * with that and all it needs. licenses.txt has their terms.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** Every X, and what esbuild makes of it. */
const FORMS = {
  'src/onnx/proto': { format: 'cjs', external: ['protobufjs/minimal'] },
  // without what vega takes for Node: it waits for a canvas at the top level, which `require` cannot
  'src/draw/vega': { format: 'cjs' },
  'src/profiling/flameGraph': { format: 'iife', globalName: 'd3' },
};

/** Builds them into `out`. */
export async function buildBundles(root, out) {
  const packages = new Set();
  for (const [name, form] of Object.entries(FORMS)) {
    const { metafile } = await build({
      ...form,
      stdin: {
        contents: readFileSync(path.join(root, `${name}.bundle.d.ts`), 'utf8'),
        resolveDir: path.join(root, path.dirname(name)),
        loader: 'ts',
      },
      outfile: path.join(out, `${name}.bundle.js`),
      absWorkingDir: root,
      bundle: true,
      platform: 'browser',
      target: 'es2022',
      minify: true,
      legalComments: 'none',
      metafile: true,
      logLevel: 'warning',
    });
    for (const input of Object.keys(metafile.inputs)) {
      const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input) ?? [];
      if (folder !== undefined) packages.add(folder);
    }
  }
  writeFileSync(
    path.join(out, 'licenses.txt'),
    [...packages]
      .sort()
      .map((each) => terms(root, each))
      .join('\n'),
  );
}

function terms(root, folder) {
  const { name, version, license } = JSON.parse(
    readFileSync(path.join(root, folder, 'package.json'), 'utf8'),
  );
  const file = readdirSync(path.join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : readFileSync(path.join(root, folder, file), 'utf8').trim();
  return `${name} ${version}, ${license}\n\n${text}\n`;
}
