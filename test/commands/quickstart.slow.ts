/** The quickstart as a user runs it: it ends well, learns, and leaves what it names. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readModel } from '../../src/onnx/files';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test('selfie quickstart', () => {
  const out = path.join(directory, 'quickstart');
  const { code, stdout, stderr } = selfie(['quickstart', '--out', out]);
  if (code !== 0) throw new Error(stderr);
  const figures = [...stdout.matchAll(/ ([\d.]+) % {3}\(chance ([\d.]+) %\)/g)].map((m) => [
    Number(m[1]),
    Number(m[2]),
  ]);
  expect(figures).toHaveLength(3);
  for (const [reached, chance] of figures) expect(reached).toBeGreaterThan(1.5 * chance);
  expect(stdout).toMatch(/Pretraining (helped|did harm|made no clear difference)/);
  expect(readModel(path.join(out, 'pretrain', 'export', 'encoder.onnx')).graph.name).toBe('encoder');
  expect(readModel(path.join(out, 'finetune', 'export', 'classifier.onnx')).graph.name).toBe('classifier');
});
