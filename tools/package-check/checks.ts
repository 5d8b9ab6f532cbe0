/** What must hold in a folder that the package was just installed into. */
import { copyFileSync, existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { serving } from '../bench/serveProcess';
import type { Consumer } from './consumer';
import { relativeLinks, shortProgram } from './markdown';
import { installedPackages, tooNarrow, unsafe } from './tree';

export interface Check {
  readonly name: string;
  /** an Error where it does not hold */
  readonly run: (consumer: Consumer, root: string) => void | Promise<void>;
}

function requireNone(what: string, found: readonly string[]): void {
  if (found.length > 0) throw new Error(`${what}: ${found.join(', ')}`);
}

const OWN_RECIPE = `import type { RecipeInput } from 'selfie-onnx';
const recipe: RecipeInput = { task: 'finetune' };
export default recipe;
`;

/** Networks of a few channels. */
const SMALL = ['network.width=4', 'network.stages=[1,1]', 'batch=8'].flatMap((value) => ['--set', value]);

/** quickstart's path in few steps, the second recipe a file of the consumer's; the runs are `pre` and `fine`. */
function quickstart(consumer: Consumer): void {
  const data = ['--data', 'embedded'];
  consumer.write('own.ts', OWN_RECIPE);
  consumer.selfie('build-graph', 'embedded-pretrain', ...SMALL, '--out', 'pre');
  consumer.selfie('train', 'pre', ...data, '--steps', '3');
  consumer.selfie('build-graph', 'own.ts', ...SMALL, '--out', 'fine');
  consumer.selfie('train', 'fine', ...data, '--steps', '3', '--init-from', 'pre', '--labels', '200');
  const { count } = JSON.parse(consumer.selfie('evaluate', 'fine', ...data, '--images', '20', '--json')) as {
    count: number;
  };
  if (count !== 20) throw new Error(`evaluate looked at ${count} images in place of 20`);
  consumer.selfie('export', 'fine', '--out', 'fine.onnx');
  consumer.selfie('export', 'pre', '--to', 'web', '--out', 'site');
  consumer.selfie('report', 'fine', '--images', '20');
}

async function serve(consumer: Consumer): Promise<void> {
  const server = await serving(consumer.start('serve', 'fine', '--port', '0', '--grpc-port', '0'));
  try {
    if (server.grpcPort === null) throw new Error('no gRPC');
    const image = readFileSync(consumer.installed('src/data/sources/embedded/embedded.png'));
    const answer = await fetch(`${server.url}/classify?top=3`, { method: 'POST', body: image });
    const text = await answer.text();
    const { classes } = JSON.parse(text) as { classes?: unknown[] };
    if (!answer.ok || classes?.length !== 3) throw new Error(`/classify: ${answer.status} ${text}`);
  } finally {
    server.child.kill('SIGTERM');
  }
  const code = await server.ended;
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${code}: ${server.said()}`);
}

/** The strict program compiled as a module of either kind, with the declarations of every package checked. */
function compile(consumer: Consumer, root: string): void {
  const source = path.join(root, 'tools', 'package-check', 'programs', 'strict.ts');
  for (const name of ['strict.mts', 'strict.cts']) copyFileSync(source, consumer.path(name));
  const compilerOptions = {
    module: 'node20',
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: [],
    declaration: true,
    outDir: 'compiled',
  };
  const files = ['strict.mts', 'strict.cts'];
  consumer.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
  consumer.run('node', path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
}

function links(consumer: Consumer): void {
  const pages = readdirSync(consumer.installed()).filter((name) => name.endsWith('.md'));
  const targets = pages.flatMap((page) => relativeLinks(readFileSync(consumer.installed(page), 'utf8')));
  requireNone(
    'not in the package',
    targets.filter((target) => !existsSync(consumer.installed(target))),
  );
}

function packages(consumer: Consumer): void {
  const installed = installedPackages(consumer.path('node_modules'));
  const own = installed.find(({ name }) => name === 'selfie-onnx');
  requireNone('engines', tooNarrow(installed, own?.engines?.node ?? '*'));
  requireNone('not safe', unsafe(installed));
  requireNone(
    'built in, so not to be installed',
    installed.flatMap(({ name }) => (/^(onnx-proto|vega.*|d3-.*)$/.test(name) ? name : [])),
  );
}

/** Nobody asked for the CUDA provider: where it can be downloaded, too, there are only the empty files of bin/preinstall.js. */
function cuda(consumer: Consumer): void {
  const native = consumer.path('node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
  const downloaded = readdirSync(native).filter((name) => name.startsWith('libonnxruntime_providers_'));
  requireNone(
    'downloaded',
    downloaded.filter((name) => lstatSync(path.join(native, name)).size > 0),
  );
}

function program(name: string): Check['run'] {
  return (consumer, root) => {
    copyFileSync(path.join(root, 'tools', 'package-check', 'programs', name), consumer.path(name));
    consumer.run('node', name);
  };
}

/** Its loss falls. */
function readme(consumer: Consumer): void {
  consumer.write('readme.mjs', shortProgram(readFileSync(consumer.installed('README.md'), 'utf8')));
  const lines = consumer.run('node', 'readme.mjs').trim().split('\n');
  const [first, last] = lines.map((line) => Number(line.split(' ')[1]));
  if (!(last < first - 0.2)) throw new Error(`its loss goes from ${first} to ${last}`);
}

/** In this order: some go on with what others wrote. */
export const CHECKS: readonly Check[] = [
  { name: 'links and pictures of the README', run: links },
  { name: 'packages: engines, advisories', run: packages },
  { name: 'no CUDA provider', run: cuda },
  { name: "quickstart's path by the command line", run: quickstart },
  { name: 'serve, one request', run: serve },
  { name: "the README's program", run: readme },
  { name: 'an ES module', run: program('module.mjs') },
  { name: 'a CommonJS module', run: program('commonjs.cjs') },
  { name: 'a strict TypeScript program', run: compile },
];
