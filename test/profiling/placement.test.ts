/** `--explain-placement`: what ran where, from a profiled step. */
import { UserError } from '../../src/base/errors';
import { describePlacement, explainPlacement } from '../../src/profiling/placement';
import { inTemporaryFolder } from '../support/temporary';
import { writeSmallBundle } from '../support/smallRun';

test('on the CPU every node is listed, by operator', () =>
  inTemporaryFolder(async (folder) => {
    writeSmallBundle(folder, 'batch=2');
    const [head, ...rows] = await explainPlacement(folder, { threads: 1 });
    const [, total] = /^all (\d+) nodes run on cpu$/.exec(head) ?? [];
    const counts = rows.map((row) => /^ {2}(\w+) +(\d+) {2}CPUExecutionProvider$/.exec(row));
    expect(counts.map((match) => match?.[1])).toEqual(expect.arrayContaining(['Gemm', 'Cast']));
    expect(counts.reduce((sum, match) => sum + Number(match?.[2]), 0)).toBe(Number(total));
  }));

test('a folder without a bundle', () =>
  inTemporaryFolder(async (folder) => {
    await expect(explainPlacement(folder, {})).rejects.toThrow(UserError);
  }));

test('nodes that a GPU session left to the CPU are marked and named', () => {
  const gpu = { op: 'Conv', provider: 'CUDAExecutionProvider' };
  const left = { name: '/dropout/Mod', op: 'Mod', provider: 'CPUExecutionProvider' };
  const nodes = [{ ...gpu, name: '/a/Conv' }, left, { ...gpu, name: '/b/Conv' }];
  expect(describePlacement(nodes, 'cuda')).toEqual([
    '2 of 3 nodes run on cuda, 1 were left to another provider (*)',
    '  Conv      2  CUDAExecutionProvider',
    '* Mod       1  CPUExecutionProvider',
    '',
    'left to another provider:',
    '  /dropout/Mod (Mod)',
  ]);
  expect(describePlacement([nodes[0]], 'cuda')[0]).toBe('all 1 nodes run on cuda');
});
