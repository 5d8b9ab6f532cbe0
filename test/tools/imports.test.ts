/** The rules of .dependency-cruiser.mjs bite: forbidden imports and circles are reported, allowed ones are not. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

/** A room, what a file of it imports (another room's file, or a package), and whether that is allowed. */
const CASES: readonly (readonly [room: string, imported: string, allowed: boolean])[] = [
  ['src/base', 'src/tensors', false],
  ['src/tensors', 'src/base', true],
  ['src/onnx', 'onnx-proto', true],
  ['src/onnx', 'src/graph', false],
  ['src/graph', 'src/ops', false],
  ['src/graph', 'protobufjs', false],
  ['src/ops', 'src/graph', true],
  ['src/ops', 'src/autodiff', false],
  ['src/lowering', 'src/nn', false],
  ['src/lowering/rows', 'src/passes', true],
  ['src/nn', 'src/data/sources', false],
  ['src/bundle', 'graphs/recipes', false],
  ['src/compile', 'src/lowering/winograd', true],
  ['src/compile', 'graphs/tasks', false],
  ['src/compile', 'src/training', false],
  ['src/data/batches', 'src/runtime', false],
  ['src/runtime', 'onnxruntime-node', true],
  ['src/runtime', 'src/training', false],
  ['src/evaluation', 'src/training', false],
  ['src/training', 'src/ops', false],
  ['src/training', 'src/compile', false],
  ['src/training', 'graphs/recipes', false],
  ['src/training', 'src/evaluation', true],
  ['src/training', 'onnxruntime-node', false],
  ['src/training', 'protobufjs/minimal', true],
  ['src/draw', 'src/run', false],
  ['src/report', 'src/training', false],
  ['src/report', 'src/draw', true],
  ['src/repository', 'src/serving/models', false],
  ['src/export/model', 'src/repository', true],
  ['src/inference', 'src/serving', false],
  ['src/serving/http', 'fastify', true],
  ['src/serving/http', 'onnxruntime-node', false],
  ['src/serving/http', 'src/report', false],
  ['src/web/train', 'onnxruntime-web/wasm', true],
  ['src/web/train', 'onnxruntime-node', false],
  ['src/web/train', 'src/training', true],
  ['src/report', 'fastify', false],
  ['src/commands', 'src/web/train', false],
  ['src/commands', 'graphs/tasks', true],
  ['graphs/tasks', 'src/nn', true],
  ['graphs/tasks', 'src/training', false],
  ['graphs/tasks', 'tools/bench', false],
  ['src/training', 'test/support', false],
];

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

/** What the rules say of a tree that has just these files. */
async function violations(files: ReadonlyMap<string, string>): Promise<[file: string, rule: string][]> {
  let found: [string, string][] = [];
  await inTemporaryFolder((folder) => {
    for (const name of ['tsconfig.json', '.dependency-cruiser.mjs'])
      cpSync(path.join(repositoryRoot, name), path.join(folder, name));
    for (const [file, text] of files) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    const program = path.join(repositoryRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const args = [program, '--output-type', 'json', 'src', 'graphs'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const { summary } = JSON.parse(stdout) as Report;
    found = summary.violations.map(({ from, rule }) => [from, rule.name]);
  });
  return found;
}

test('each room imports only what its row allows, and each package where it belongs', async () => {
  const files = new Map<string, string>([
    ['src/base/target.ts', 'export {};\n'],
    ['graphs/tasks/x.ts', ''],
  ]);
  CASES.forEach(([room, imported], i) => {
    const isRoom = /^(src|graphs|tools|test)\//.test(imported);
    if (isRoom) files.set(`${imported}/target.ts`, 'export {};\n');
    const from = isRoom ? path.posix.relative(room, `${imported}/target`) : imported;
    files.set(`${room}/case${i}.ts`, `import '${from}';\n`);
  });
  const found = new Map(await violations(files));
  const allowed = CASES.map(([room, imported], i) => [room, imported, !found.has(`${room}/case${i}.ts`)]);
  expect(allowed).toEqual(CASES);
});

test.each([
  ['of values', "import './b';\n"],
  ['of types', "import type { B } from './b';\nexport type A = B;\n"],
])('a circle %s is refused', async (_what, text) => {
  const other = text.replace('./b', './a').replaceAll('B', 'A').replace('type A = A', 'type B = A');
  const found = await violations(
    new Map([
      ['src/base/a.ts', text],
      ['src/base/b.ts', other],
      ['graphs/tasks/c.ts', ''],
    ]),
  );
  expect(found.map(([, rule]) => rule)).toContain('circle');
});
