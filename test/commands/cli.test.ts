/** The command line from outside: help, one line and exit code 1 for every mistake, and the commands that need no training. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { recipes } from '../../graphs/recipes';
import { version } from '../../package.json';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const inside = (name: string) => path.join(directory, name);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const TINY = ['network.width=2', 'pooling.heads=1', 'pooling.feedForward=8', 'pooling.dropout=0', 'batch=4'];
const tiny = TINY.flatMap((setting) => ['--set', setting]);

test.each<[string[], string]>([
  [[], 'no command given (see selfie --help)'],
  [['--bogus'], 'no command given'],
  [['trian', 'x'], 'unknown command trian; did you mean train?'],
  [['train'], 'an argument is missing (see selfie train --help)'],
  [['train', 'x', '--stpes', '3'], 'unknown option --stpes; did you mean --steps?'],
  [['train', 'x', '--steps', 'abc'], '--steps abc: expected a whole number of at least 0'],
  [['train', 'x', '--steps', '-1'], '--steps -1: expected a whole number of at least 0'],
  [['train', 'x', '--steps', '1.5'], '--steps 1.5: expected a whole number'],
  [['train', 'x', '--data'], '--data needs a value'],
  [['train', 'x', '--data', 'embedded', '--data', 'embedded'], '--data is given more than once'],
  [['train', 'x', '--provider', 'tpu'], '--provider "tpu": expected one of "cpu", "cuda", "webgpu"'],
  [['train', 'absent', '--data', 'embedded'], 'absent: no bundle here'],
  [['evaluate', 'absent'], 'missing: --data'],
  [['evaluate', 'absent', '--data', 'embedded'], 'absent: no bundle here'],
  [['export', 'absent', '--out', 'x.onnx'], 'absent: no bundle here'],
  [['export', 'absent', '--out', 'x.txt'], '--out x.txt: expected a name that ends in .onnx'],
  [['recipes', 'extra'], 'unexpected argument extra'],
  [['print-graph', 'absent.onnx'], 'absent.onnx: no such file'],
  [['print-graph', path.join(repositoryRoot, 'package.json')], 'package.json'],
  [['build-graph', 'cifar10-pretrian'], 'did you mean cifar10-pretrain?'],
  [['build-graph', 'cifar10-pretrain', '--set', 'network.widht=8'], 'did you mean network.width?'],
  [['build-graph', 'cifar10-pretrain', '--set', 'network.width=x'], 'network.width is "x": expected number'],
  [['build-graph', 'cifar10-pretrain', '--set', 'seed=1', 'batch=2'], 'write --set before each setting'],
])('selfie %j: one line, exit code 1', (args, message) => {
  const { code, stdout, stderr } = selfie(args);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('a folder that cannot be made is one line, and an unbuilt bundle leaves nothing', () => {
  writeFileSync(inside('file'), '');
  const { code, stderr } = selfie(['build-graph', 'embedded-pretrain', ...tiny, '--out', inside('file/x')]);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(code).toBe(1);
  selfie(['build-graph', 'embedded-pretrain', '--set', 'pooling.heads=7', '--out', inside('bad')]);
  expect(existsSync(inside('bad'))).toBe(false);
});

test('--version and --help', () => {
  expect(selfie(['--version']).stdout).toBe(`${version}\n`);
  const help = selfie(['--help']);
  for (const command of [
    'quickstart',
    'recipes',
    'build-graph',
    'train',
    'evaluate',
    'export',
    'print-graph',
  ])
    expect(help.stdout).toContain(`selfie ${command}`);
  expect(help.code).toBe(0);
  expect(selfie(['train', '--help']).stdout).toContain('--steps-per-run');
});

test('recipes lists every recipe with what it is', () => {
  const lines = selfie(['recipes']).stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(recipes.size);
  for (const [i, [name, { description }]] of [...recipes].entries()) {
    expect(lines[i].startsWith(name)).toBe(true);
    expect(lines[i].endsWith(description)).toBe(true);
  }
});

test('build-graph prints what it built, and print-graph shows it', () => {
  const built = selfie(['build-graph', 'embedded-pretrain', ...tiny, '--out', inside('tiny')]);
  expect(built.stderr).toBe('');
  const manifest = JSON.parse(readFileSync(inside('tiny/graph/manifest.json'), 'utf8')) as {
    parameters: number;
    recipe: { network: { width: number } };
  };
  expect(manifest.recipe.network.width).toBe(2);
  expect(built.stdout).toContain('images uint8 [4, 32, 32, 3], patch_order int64 [4, 16]');
  expect(built.stdout).toContain(`parameters   ${manifest.parameters}\n`);
  expect(built.stdout).toMatch(/peak memory {2}about \d+ MiB/);
  const text = selfie(['print-graph', inside('tiny/graph/encoder.onnx')]).stdout;
  expect(text).toContain('embedding');
  expect(text).toContain('layer1.0.conv1.weight');
});
