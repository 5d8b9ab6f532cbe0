/** The import-direction rule bites: forbidden imports are reported, allowed ones are not. */
import { spawnSync } from 'node:child_process';
import { repositoryRoot } from '../support/paths';

/** File, import, and whether the rule allows it. The files exist, so that the typed parser knows them. */
const CASES: readonly (readonly [file: string, imported: string, allowed: boolean])[] = [
  ['src/training/trainer.ts', '../ops/elementwise', false],
  ['src/training/trainer.ts', '../nn/resnet', false],
  ['src/training/trainer.ts', '../lowering/lower', false],
  ['src/training/trainer.ts', '../../graphs/bundle', false],
  ['src/training/trainer.ts', '../bundle/loadRecipe', false],
  ['src/training/trainer.ts', '../export/embed', false],
  ['src/training/trainer.ts', '../export/safetensors', true],
  ['src/training/trainer.ts', '../data/loader', true],
  ['src/training/trainer.ts', 'onnxruntime-node', false],
  ['src/training/trainer.ts', 'protobufjs/minimal', true],
  ['src/onnx/encode.ts', 'onnx-proto', true],
  ['src/onnx/encode.ts', '../graph/graph', false],
  ['src/training/trainer.ts', '../evaluation/periodic', false],
  ['src/evaluation/periodic.ts', '../training/feeds', true],
  ['src/evaluation/periodic.ts', '../../graphs/evalBundle', false],
  ['src/graph/graph.ts', '../ops/elementwise', false],
  ['src/graph/graph.ts', 'protobufjs', false],
  ['src/ops/elementwise.ts', '../autodiff/gradients', false],
  ['src/ops/elementwise.ts', '../graph/graph', true],
  ['src/lowering/lower.ts', '../nn/resnet', false],
  ['src/nn/resnet.ts', '../data/loader', false],
  ['src/serving/server.ts', '../training/checkpoints', true],
  ['src/serving/server.ts', '../evaluation/knn', false],
  ['src/serving/server.ts', '../commands/serve', false],
  ['src/serving/server.ts', '../inference/modelThread', true],
  ['src/inference/embed.ts', '../serving/server', false],
  ['src/inference/embed.ts', '../evaluation/knn', false],
  ['src/inference/embed.ts', '../bundle/loadRecipe', false],
  ['src/evaluation/features.ts', '../inference/outputRows', true],
  ['src/evaluation/features.ts', '../inference/embed', false],
  ['src/serving/http.ts', 'fastify', true],
  ['src/serving/http.ts', 'onnxruntime-node', false],
  ['src/report/page.ts', 'fastify', false],
  ['src/runtime/session.ts', 'onnxruntime-node', true],
  ['src/runtime/session.ts', '../training/trainer', false],
  ['src/data/loader.ts', '../runtime/session', false],
  ['src/bundle/read.ts', '../commands/train', false],
  ['src/bundle/loadRecipe.ts', '../../graphs/recipes', true],
  ['src/bundle/loadRecipe.ts', '../../graphs/bundle', false],
  ['src/web/session.ts', 'onnxruntime-web/wasm', true],
  ['src/web/session.ts', 'onnxruntime-node', false],
  ['src/web/run.ts', '../training/stepper', true],
  ['src/web/run.ts', '../report/png', false],
  ['src/training/trainer.ts', '../web/run', false],
  ['src/training/trainer.ts', 'onnxruntime-web', false],
  ['src/commands/train.ts', '../nn/resnet', false],
  ['src/commands/train.ts', '../cli', false],
  ['src/commands/build-graph.ts', '../../graphs/bundle', true],
  ['graphs/bundle.ts', '../src/training/trainer', false],
  ['graphs/bundle.ts', '../src/nn/resnet', true],
  ['graphs/bundle.ts', '../tools/file-sizes', false],
];

// jest's realm cannot load ESLint's configuration, which is an ES module
const PROGRAM = `
  const { ESLint } = require('eslint');
  const rules = ['import-x/no-restricted-paths', 'no-restricted-imports'];
  // these rules need no types, which take most of the time
  const overrideConfig = { languageOptions: { parserOptions: { projectService: false, project: false } } };
  const eslint = new ESLint({ overrideConfig, ruleFilter: ({ ruleId }) => rules.includes(ruleId) });
  const lint = async ([filePath, imported]) => {
    const [result] = await eslint.lintText("import '" + imported + "';\\n", { filePath });
    return result.messages.filter(({ ruleId }) => ruleId === null || rules.includes(ruleId)).map(({ message }) => message);
  };
  (async () => {
    const all = [];
    for (const one of JSON.parse(process.argv[1])) all.push(await lint(one));
    console.log(JSON.stringify(all));
  })();
`;

test('each room imports only what its row allows', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', PROGRAM, JSON.stringify(CASES)], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const messages = JSON.parse(stdout) as string[][];
  const found = CASES.map(([file, imported], i) => [file, imported, messages[i].length === 0]);
  expect(found).toEqual(CASES);
  for (const message of messages.flat()) expect(message).toMatch(/may import only|may not load|only src\//);
});
