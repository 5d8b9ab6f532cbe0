/** tools/examples/train.mjs does what the package's trainer does, here with onnxruntime-node; a browser is for the slow tests. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { readSafetensors } from '../../src/tensors/safetensors';
import { differences } from '../../tools/verify/portable/differences';
import { exampleCase, SCHEDULES } from '../support/exampleRuns';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const STEPS = 20;
const PROGRAM = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import ort from 'onnxruntime-node';
  import { train } from './tools/examples/train.mjs';
  const [folder, steps] = process.argv.slice(1);
  const checkpoint = await train({
    ort,
    read: async (name) => readFileSync(folder + '/graph/' + name),
    batches: readFileSync(folder + '/batches.safetensors'),
    steps: Number(steps),
    onStep: (metrics) => console.log(JSON.stringify(metrics)),
  });
  writeFileSync(folder + '/checkpoint.safetensors', checkpoint);
`;

test.each(SCHEDULES)('with a schedule of its own: %j', (schedule) =>
  inTemporaryFolder(async (folder) => {
    const { expected } = await exampleCase(folder, schedule, STEPS);
    const given = ['--input-type=module', '-e', PROGRAM, folder, String(STEPS)];
    const { stdout, stderr, status } = spawnSync(process.execPath, given, {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    const { tensors, metadata } = readSafetensors(path.join(folder, 'checkpoint.safetensors'));
    expect(metadata).toEqual({ step: String(STEPS) });
    const found = differences({ metrics, state: tensors }, expected);
    // float32 learning rates may differ in the last place
    expect(Math.max(found.loss, found.largest)).toBeLessThan(1e-5);
  }),
);
