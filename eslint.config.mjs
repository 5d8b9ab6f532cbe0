/** ESLint: typed rules, and which room may import which (`npm run lint`). */
import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** The rooms that each room may import, itself apart. An entry with a slash is a single file. */
const MAY_IMPORT = {
  'src/onnx': [],
  'src/graph': ['src/onnx'],
  'src/ops': ['src/graph', 'src/onnx'],
  'src/autodiff': ['src/ops', 'src/graph', 'src/onnx'],
  'src/passes': ['src/ops', 'src/graph', 'src/onnx'],
  'src/lowering': ['src/passes', 'src/ops', 'src/graph', 'src/onnx'],
  'src/nn': ['src/lowering', 'src/autodiff', 'src/ops', 'src/graph', 'src/onnx', 'src/data/random.ts'],
  'src/optim': ['src/lowering', 'src/autodiff', 'src/ops', 'src/graph', 'src/onnx'],
  'src/bundle': ['graphs/recipes', 'src/onnx'],
  'src/data': ['src/bundle', 'src/onnx'],
  'src/runtime': ['src/bundle', 'src/onnx'],
  'src/training': ['src/bundle', 'src/data', 'src/runtime', 'src/onnx'].concat([
    'src/export/safetensors.ts',
    'src/export/safetensorsFormat.ts',
  ]),
  'src/export': ['src/bundle', 'src/data', 'src/runtime', 'src/training', 'src/onnx'],
  'src/inference': ['src/bundle', 'src/data', 'src/runtime', 'src/training', 'src/export', 'src/onnx'],
  'src/serving': [
    'src/bundle',
    'src/data',
    'src/runtime',
    'src/training',
    'src/export',
    'src/inference',
    'src/report',
    'src/onnx',
  ],
  'src/profiling': [
    'src/bundle',
    'src/data',
    'src/runtime',
    'src/training',
    'src/onnx',
    'src/export/safetensors.ts',
  ],
  'src/evaluation': ['src/bundle', 'src/data', 'src/runtime', 'src/training', 'src/onnx'].concat([
    'src/inference/outputRows.ts',
  ]),
  'src/tuning': [
    'src/lowering',
    'src/passes',
    'src/graph',
    'src/onnx',
    'src/runtime',
    'src/profiling',
    'src/data/random.ts',
  ],
  'src/report': ['src/bundle', 'src/data', 'src/runtime', 'src/training', 'src/onnx'],
  'src/web': ['src/bundle', 'src/data', 'src/training', 'src/onnx', 'src/export/safetensorsFormat.ts'].concat(
    [
      'src/export/web/webModel.ts',
      'src/report/curves.ts',
      'src/report/patches.ts',
      'src/report/patchPicture.ts',
      'src/report/theme.ts',
    ],
  ),
  'src/experiment': ['src/bundle', 'src/training', 'src/report'],
  'src/commands': [
    'graphs',
    'src/bundle',
    'src/data',
    'src/runtime',
    'src/training',
    'src/export',
    'src/inference',
    'src/serving',
  ].concat(['src/evaluation', 'src/experiment', 'src/profiling', 'src/tuning', 'src/report', 'src/onnx']),
  graphs: [
    'src/nn',
    'src/optim',
    'src/lowering',
    'src/autodiff',
    'src/passes',
    'src/ops',
    'src/graph',
    'src/onnx',
  ].concat([
    'src/bundle',
    'src/experiment/schema.ts',
    'src/export/safetensors.ts',
    'src/data/random.ts',
    'src/tuning/table.ts',
  ]),
};

/** Everything is forbidden from a room but itself, its row of the table and the small files directly in src. */
const zones = Object.entries(MAY_IMPORT).flatMap(([room, allowed]) => {
  const message = `${room} may import only ${allowed.join(', ') || 'nothing'} (see MAY_IMPORT in eslint.config.mjs)`;
  const rooms = Object.keys(MAY_IMPORT).filter((other) => other !== room && !allowed.includes(other));
  return [...rooms, 'src/cli.ts', 'src/index.ts', 'tools', 'test'].map((from) => ({
    target: `./${room}`,
    from: `./${from}`,
    except: allowed
      .filter((path) => path.startsWith(`${from}/`))
      .map((path) => `.${path.slice(from.length)}`),
    message,
  }));
});

// names of recipes are the build half's business; the run half knows the recipe inside a manifest
for (const room of [
  'src/data',
  'src/runtime',
  'src/training',
  'src/export',
  'src/evaluation',
  'src/inference',
  'src/profiling',
  'src/serving',
  'src/report',
])
  zones.push({
    target: `./${room}`,
    from: './src/bundle/loadRecipe.ts',
    message: `${room} may not load recipes: read the one in the manifest`,
  });

const onlyIn = (where, packages) =>
  packages.map((name) => ({ group: [name, `${name}/*`], message: `only ${where} imports ${name}` }));
const PROTOBUF = onlyIn('src/onnx', ['onnx-proto', 'protobufjs']);
const SERVER = onlyIn('src/serving', [
  'fastify',
  '@fastify/compress',
  '@fastify/multipart',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'prom-client',
]);
const RUNTIME = onlyIn('src/runtime', ['onnxruntime-node', 'onnxruntime-common']);
const WEB_RUNTIME = onlyIn('src/web', ['onnxruntime-web']);
const restrict = (files, patterns) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'models/', 'coverage/', '**/.venv/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.json'] })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // an element of an array may be absent although its type does not say so
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // numbers in messages are wanted
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `void promise` and `() => doIt()` are clear
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  restrict(
    ['src/**/*.ts', 'graphs/**/*.ts', 'tools/**/*.ts'],
    [...PROTOBUF, ...RUNTIME, ...WEB_RUNTIME, ...SERVER],
  ),
  restrict(['src/web/**/*.ts'], [...PROTOBUF, ...RUNTIME, ...SERVER]),
  restrict(['src/serving/**/*.ts'], [...PROTOBUF, ...RUNTIME, ...WEB_RUNTIME]),
  restrict(['src/onnx/**/*.ts'], [...RUNTIME, ...WEB_RUNTIME]),
  restrict(['src/runtime/**/*.ts'], [...PROTOBUF, ...WEB_RUNTIME]),
  // the TensorBoard writer encodes protobuf records of its own
  restrict(['src/training/**/*.ts'], [...onlyIn('src/onnx', ['onnx-proto']), ...RUNTIME, ...WEB_RUNTIME]),
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        require: 'readonly',
        module: 'readonly',
        __dirname: 'readonly',
        process: 'readonly',
        console: 'readonly',
      },
    },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
  {
    files: ['tools/examples/*.mjs'],
    languageOptions: { globals: { TextDecoder: 'readonly', TextEncoder: 'readonly' } },
  },
);
