/** `selfie profile` on bundles that run in milliseconds: the tables, the files it writes, and its errors. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Manifest } from '../../src/bundle/manifest';
import type { Profile } from '../../src/profiling/profile';
import { selfie } from '../support/selfie';
import { writeTinyBundle } from '../support/tinyBundle';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const inside = (name: string) => path.join(directory, name);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const readProfile = (name: string) => JSON.parse(readFileSync(inside(name), 'utf8')) as Profile;
const total = (costs: readonly { ms: number }[]) => costs.reduce((sum, { ms }) => sum + ms, 0);

test('a hand-written bundle: tables, page, JSON and trace', () => {
  const manifest = writeTinyBundle(inside('tiny/graph'));
  const files = ['--json', inside('tiny.json'), '--trace', inside('trace.json')];
  const { code, stdout, stderr } = selfie(['profile', inside('tiny'), '--steps', '3', ...files]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  for (const part of [
    's/step',
    'by scope',
    '(not in kernels)',
    'by operator',
    'Gemm',
    '16x192 · 10x192 → 16x10',
  ])
    expect(stdout).toContain(part);
  expect(stdout).toContain(`flame graph: ${inside('tiny/profile.html')}`);

  const profile = readProfile('tiny.json');
  expect(profile).toMatchObject({ recipe: 'tiny', provider: 'cpu', steps: 3, checkpoint: 0 });
  expect(profile.total.gflop).toBeCloseTo((2 * manifest.multiplyAdds) / 1e9, 12);
  expect(profile.products.map(({ op, calls }) => [op, calls])).toEqual([
    ['Gemm', 1],
    ['Gemm', 1],
  ]);
  expect(total(profile.operators)).toBeCloseTo(profile.total.ms, 6);
  expect(total(profile.scopes.map((scope) => scope.total))).toBeCloseTo(profile.total.ms, 6);
  const { profiledSecondsPerStep, kernelSeconds, betweenKernelsSeconds, outsideSeconds } = profile;
  expect(kernelSeconds + betweenKernelsSeconds + outsideSeconds).toBeCloseTo(profiledSecondsPerStep, 9);
  expect(Math.min(kernelSeconds, betweenKernelsSeconds, outsideSeconds)).toBeGreaterThan(0);
  expect(profile.peak?.gflops).toBeGreaterThan(0);

  const trace = JSON.parse(readFileSync(inside('trace.json'), 'utf8')) as { name: string }[];
  expect(trace.filter(({ name }) => name === 'model_run')).toHaveLength(4);

  const page = readFileSync(inside('tiny/profile.html'), 'utf8');
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<[a-z]+[^>]*\s(?:src|href)\s*=/);
  expect(page).not.toMatch(/url\(\s*['"]?(?:https?:)?\/\/|@import/);
  expect(page).toContain('16x192 · 10x192 → 16x10');
});

test('a built bundle: each module has its forward, backward and update', () => {
  const settings = ['network.width=2', 'pooling.heads=1', 'pooling.feedForward=8', 'batch=4'];
  const set = settings.flatMap((setting) => ['--set', setting]);
  expect(selfie(['build-graph', 'embedded-pretrain', ...set, '--out', inside('built')]).stderr).toBe('');
  const html = inside('page.html');
  const options = [
    '--steps',
    '1',
    '--depth',
    '3',
    '--threads',
    '1',
    '--html',
    html,
    '--json',
    inside('built.json'),
  ];
  const { code, stdout } = selfie(['profile', inside('built'), ...options]);
  expect(code).toBe(0);
  expect(stdout).toContain('convolutions of the network');
  expect(existsSync(html)).toBe(true);
  expect(existsSync(inside('built/profile.html'))).toBe(false);

  const manifest = JSON.parse(readFileSync(inside('built/graph/manifest.json'), 'utf8')) as Manifest;
  const profile = readProfile('built.json');
  expect(profile.total.gflop).toBeCloseTo((2 * manifest.multiplyAdds) / 1e9, 9);
  const convolution = profile.scopes.find(({ scope }) => scope === 'layer1/0/conv2');
  expect(convolution?.forward.gflop).toBeGreaterThan(0);
  expect(convolution?.backward.gflop).toBeGreaterThan(0);
  expect(convolution?.optimizer.calls).toBeGreaterThan(0);
  expect(convolution?.optimizer.gflop).toBe(0);
  const weights = manifest.state.filter(({ kind, shape }) => kind === 'parameter' && shape.length === 4);
  expect(profile.convolutions.flatMap(({ scopes }) => scopes).sort()).toEqual(
    weights.map(({ name }) => name.replace(/\.weight$/, '').replaceAll('.', '/')).sort(),
  );
});

test.each([
  [['profile', 'absent'], 'absent: no bundle here'],
  [['profile', 'x', '--depth', '0'], '--depth 0: expected a whole number of at least 1'],
])('selfie %j: one line, exit code 1', (args, message) => {
  const { code, stdout, stderr } = selfie(args);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toContain(message);
  expect([code, stdout]).toEqual([1, '']);
});
