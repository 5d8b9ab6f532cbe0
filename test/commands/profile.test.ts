/** `selfie profile` on bundles that run in milliseconds: the tables, the files it writes, and its errors. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Profile } from '../../src/profiling/profile';
import { selfie } from '../support/selfie';
import { writeSmallBundle } from '../support/smallRun';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const inside = (name: string) => path.join(directory, name);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const readProfile = (name: string) => JSON.parse(readFileSync(inside(name), 'utf8')) as Profile;
const total = (costs: readonly { ms: number }[]) => costs.reduce((sum, { ms }) => sum + ms, 0);

test('a classifier: tables, page, JSON and trace', () => {
  const { manifest } = writeSmallBundle(inside('small'));
  const files = ['--json', inside('small.json'), '--trace', inside('trace.json')];
  const { code, stdout, stderr } = selfie(['profile', inside('small'), '--steps', '3', ...files]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  for (const part of ['s/step', 'by scope', '(not in kernels)', 'by operator', 'Gemm', '16x8 · 10x8 → 16x10'])
    expect(stdout).toContain(part);
  expect(stdout).toContain(`flame graph: ${inside('small/profile.html')}`);

  const profile = readProfile('small.json');
  expect(profile).toMatchObject({ recipe: 'small', provider: 'cpu', steps: 3, checkpoint: 0 });
  expect(profile.total.gflop).toBeCloseTo((2 * manifest.multiplyAdds) / 1e9, 12);
  const logits = profile.products.find(({ output }) => output.join() === '16,10');
  expect(logits).toMatchObject({
    op: 'Gemm',
    calls: 1,
    inputs: [
      [16, 8],
      [10, 8],
    ],
  });
  expect(total(profile.operators)).toBeCloseTo(profile.total.ms, 6);
  expect(total(profile.scopes.map((scope) => scope.total))).toBeCloseTo(profile.total.ms, 6);
  const { profiledSecondsPerStep, kernelSeconds, betweenKernelsSeconds, outsideSeconds } = profile;
  expect(kernelSeconds + betweenKernelsSeconds + outsideSeconds).toBeCloseTo(profiledSecondsPerStep, 9);
  expect(Math.min(kernelSeconds, betweenKernelsSeconds, outsideSeconds)).toBeGreaterThan(0);
  expect(profile.peak?.gflops).toBeGreaterThan(0);

  const trace = JSON.parse(readFileSync(inside('trace.json'), 'utf8')) as { name: string }[];
  expect(trace.filter(({ name }) => name === 'model_run')).toHaveLength(4);

  const page = readFileSync(inside('small/profile.html'), 'utf8');
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<[a-z]+[^>]*\s(?:src|href)\s*=/);
  expect(page).not.toMatch(/url\(\s*['"]?(?:https?:)?\/\/|@import/);
  expect(page).toContain('16x8 · 10x8 → 16x10');
});

test('a pretraining: each module has its forward, backward and update', () => {
  const { manifest } = writeSmallBundle(inside('built'), 'task=pretrain', 'batch=4');
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
