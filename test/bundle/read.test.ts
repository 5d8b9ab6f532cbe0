import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Manifest } from '../../src/bundle/manifest';
import { findBundle, graphPath, readBundle } from '../../src/bundle/read';
import { writeSmallBundle } from '../support/smallRun';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-bundle-'));
  writeSmallBundle(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function edit(change: (manifest: Manifest) => void): void {
  const file = path.join(folder, 'graph', 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

test('a run folder’s bundle, and the bundle itself', () => {
  const inside = path.join(folder, 'graph');
  expect(findBundle(folder)).toBe(inside);
  expect(findBundle(inside)).toBe(inside);
  expect(findBundle(path.join(folder, 'nothing'))).toBeUndefined();
  expect(graphPath(readBundle(folder), 'train-loop')).toBe(path.join(inside, 'train-loop.onnx'));
});

test('what breaks the contract is named in one line', () => {
  const file = path.join(folder, 'graph', 'manifest.json');
  expect(() => readBundle('/nonexistent')).toThrow(/no bundle here/);
  edit((manifest) => {
    const port = manifest.graphs.train.outputs.find(({ name }) => name === 'next.fc.bias');
    if (port) port.replaces = 'fc.bais';
  });
  expect(() => readBundle(folder)).toThrow(
    `${file}: train: next.fc.bias stands for the state fc.bais, which is not listed in "state"`,
  );
  edit((manifest) => Object.assign(manifest, { formatVersion: 2 }));
  expect(() => readBundle(folder)).toThrow(/manifest\.json: .*formatVersion.*; build the bundle again$/);
  expect(() => readBundle(folder)).not.toThrow(/\n/);
  writeFileSync(file, '{');
  expect(() => readBundle(folder)).toThrow(/not JSON/);
});

test('a missing graph file is named', () => {
  rmSync(path.join(folder, 'graph', 'apply.onnx'));
  expect(() => readBundle(folder)).toThrow(/apply\.onnx: missing from the bundle/);
});
