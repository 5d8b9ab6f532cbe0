/** `knn`, `linear-probe` and `train --probe-every` as users run them, on a network of a few channels. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
const run = path.join(directory, 'pretrain');
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Runs a command that must succeed; what it printed. */
function succeed(...args: string[]): { stdout: string; stderr: string } {
  const { code, ...printed } = selfie(args);
  if (code !== 0) throw new Error(`selfie ${args.join(' ')}: ${printed.stderr}`);
  return printed;
}

test('pretraining with a probe, then kNN and linear probe of the encoder', () => {
  const sets = ['network.width=2', 'batch=32', 'pooling.heads=2', 'schedule.warmupSteps=0'];
  succeed('build-graph', 'embedded-pretrain', '--out', run, ...sets.flatMap((setting) => ['--set', setting]));
  const train = ['train', run, '--data', 'embedded', '--steps', '4', '--validation', '3/class'];
  expect(selfie([...train, '--probe-images', '80'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/--probe-images needs --probe-every/) as string,
  });
  const { stderr } = succeed(...train, '--probe-every', '2', '--probe-images', '80');
  expect(stderr).toMatch(
    /step 4: kNN \d+\.\d% \(\d.*% to \d.*%, chance 10\.0%, 20 images\) {2}linear \d+\.\d% {2}spread 0\.\d+ {2}rank \d+\.\d of 32/,
  );
  const lines = readFileSync(path.join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  expect(lines.map((line) => 'knn_accuracy' in (JSON.parse(line) as object))).toEqual([
    false,
    true,
    false,
    true,
  ]);

  const data = ['--data', 'embedded', '--labels', '200'];
  const { stdout } = succeed('knn', run, ...data);
  expect(stdout).toMatch(/2000 images \(test\) by 200 labelled ones, embedding of 32 numbers/);
  expect(stdout).toMatch(
    /kNN \(k 20, temperature 0\.07\) {2}\d+\.\d+ % \(95 %: \d.* to \d.* %; chance 10\.00 %\)/,
  );
  expect(stdout).toMatch(/effective rank \d+\.\d of 32/);

  const sequential = ['--data', 'embedded', '--sequential', '--mask', 'block', '--images', '50'];
  expect(succeed('evaluate', run, ...sequential).stdout).toMatch(
    /on 50 images \(test\).*\n1 of 4 .*chance 25\.00 %\)\n1 of 3 .*\n1 of 2 .*\nmean .*chance 36\.11 %/,
  );
  const probe = succeed('linear-probe', run, ...data, '--features', 'pooled', '--json');
  expect(JSON.parse(probe.stdout)).toMatchObject({
    step: 4,
    features: 'pooled',
    bank: 200,
    count: 2000,
    width: 32,
  });
  // the run's own 30 images, not a tenth drawn anew
  const own = succeed('knn', run, ...data, '--split', 'validation', '--json');
  expect(JSON.parse(own.stdout)).toMatchObject({ split: 'validation', count: 30, bank: 200 });
  expect(selfie(['knn', run, ...data, '--temperature', '0'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--temperature 0: expected a number above 0') as string,
  });
});
