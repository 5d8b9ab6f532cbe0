/** Which options each format of `export` takes; the others are refused before anything is read. */
import { requireOptions } from '../../src/export/formats';
import { selfie } from '../support/selfie';
import { userErrorOf } from '../support/userError';

test.each([
  [
    'safetensors',
    { precision: 'float16' },
    '--precision: says nothing with --to safetensors, which takes --check',
  ],
  ['safetensors', { kind: 'encoder' }, '--kind'],
  ['hub', { input: 'photo' }, '--input: says nothing with --to hub'],
  ['web', { map: true }, '--map: says nothing with --to web'],
  ['onnx', { images: 5 }, '--images: says nothing without --data SOURCE'],
  ['web', { workers: 1 }, '--workers: says nothing without --data SOURCE'],
] as const)('--to %s %j', (format, given, message) => {
  expect(userErrorOf(() => requireOptions(format, given))).toContain(message);
});

test('what a format takes, and what was not given, is fine', () => {
  requireOptions('onnx', { input: 'photo', map: true, data: 'embedded', images: 5 });
  requireOptions('hub', { map: true, license: 'mit', input: undefined });
  requireOptions('safetensors', { checkpoint: '3', license: 'mit' });
});

test('one line from the command', () => {
  const { code, stderr } = selfie(['export', 'absent', '--out', 'x', '--to', 'web', '--input', 'uint8']);
  expect(stderr).toMatch(/^error: --input: says nothing with --to web, which takes [^\n]+\n$/);
  expect(code).toBe(1);
});
