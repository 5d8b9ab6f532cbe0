/** `selfie experiment` as users run it: killed in between, it goes on and never runs a finished cell again. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';

const directory = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const small = { 'network.width': 2, batch: 16, 'schedule.warmupSteps': 0 };
const experiment = {
  title: 'embedded images',
  baseline: 'supervised',
  seeds: [0, 1],
  validation: '3/class',
  images: 40,
  checkpointEvery: 2,
  dataSets: {
    embedded: {
      pretrain: { recipe: 'embedded-pretrain', set: { ...small, 'pooling.heads': 2 }, steps: 4 },
      methods: {
        supervised: { recipe: 'embedded-finetune', set: small, steps: 4, learningRates: [0.05, 0.1] },
        selfie: {
          recipe: 'embedded-finetune',
          set: { ...small, 'consistency.ratio': 2, 'average.decay': 0.9 },
          steps: 4,
          learningRates: [0.1],
          pretrained: true,
        },
      },
      labels: [{ labels: '10/class' }],
    },
  },
};
const file = path.join(directory, 'mine.json');
const out = path.join(directory, 'out');
writeFileSync(file, JSON.stringify(experiment));
const args = ['experiment', file, '--data', 'embedded', '--out', out, '--threads', '1'];

/** Files called `name` under `folder`. */
const find = (name: string, folder = out): string[] =>
  existsSync(folder)
    ? (readdirSync(folder, { recursive: true }) as string[]).filter((each) => path.basename(each) === name)
    : [];

/** Starts the command and kills it as soon as a run is finished. */
async function killed(): Promise<void> {
  const child = spawn(
    process.execPath,
    [path.join(repositoryRoot, 'bin', 'selfie.js'), ...args, '--jobs', '2'],
    {
      stdio: 'ignore',
    },
  );
  const gone = new Promise((resolve) => child.once('exit', resolve));
  while (find('result.json').length < 2 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  await gone;
}

test('a killed grid goes on and ends with its table', async () => {
  await killed();
  const before = find('result.json').map((name) => path.join(out, name));
  expect(before.length).toBeGreaterThanOrEqual(2);
  expect(find('results.json')).toEqual([]);
  // what the killed one started ends with it: its channel is closed
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const times = before.map((name) => statSync(name).mtimeMs);

  const { code, stdout, stderr } = selfie([...args, '--jobs', '2']);
  expect([code, stderr.includes('error')]).toEqual([0, false]);
  expect(before.map((name) => statSync(name).mtimeMs)).toEqual(times);
  expect(stdout).toMatch(/labels {4}supervised +selfie +gain of selfie/);
  expect(stdout).toMatch(/10\/class {2}\d+\.\d ± \d+\.\d \(2\) +\d+\.\d ± \d+\.\d \(2\) +[+-]\d+\.\d \([+-]/);
  // 2 pretrainings, 2 rates and another seed for supervised, 2 seeds for Selfie
  expect(find('result.json')).toHaveLength(2 + 3 + 2);
  expect(find('test.json')).toHaveLength(4);
  const results = JSON.parse(readFileSync(path.join(out, 'results.json'), 'utf8')) as {
    cells: { method: string; tried: unknown[]; accuracies: number[] }[];
  };
  expect(
    results.cells.map(({ method, tried, accuracies }) => [method, tried.length, accuracies.length]),
  ).toEqual([
    ['supervised', 2, 2],
    ['selfie', 1, 2],
  ]);
  expect(readFileSync(path.join(out, 'table.md'), 'utf8')).toContain('| 10/class |');
  expect(readFileSync(path.join(out, 'gain-embedded.svg'), 'utf8')).toMatch(/^<svg/);

  // all is finished: nothing is run, the same table again
  const again = selfie(args);
  expect([again.code, again.stdout, again.stderr]).toEqual([0, stdout, '']);
  // an averaged run is exported as it is evaluated: the command compares the two
  const averaged = path.join(
    out,
    path.dirname(find('test.json').find((name) => name.includes('selfie')) ?? ''),
  );
  const exported = selfie([
    'export',
    averaged,
    '--out',
    path.join(directory, 'a.onnx'),
    '--kind',
    'classifier',
  ]);
  expect([exported.code, exported.stderr]).toEqual([0, '']);

  // both methods of a seed saw the same images
  const labels = find('labels.json').filter((name) => name.includes('seed-1'));
  expect(labels).toHaveLength(2);
  const drawn = labels.map((name) => readFileSync(path.join(out, name), 'utf8'));
  expect(drawn[0]).toBe(drawn[1]);
});

test('what is wrong is one line', () => {
  const message = (...more: string[]) => selfie(more).stderr;
  expect(message('experiment', 'cifar10-mimi', '--data', 'embedded')).toMatch(
    /^error: unknown experiment cifar10-mimi.*did you mean cifar10-mini/,
  );
  const two = ['experiment', file, '--data', 'embedded', '--data', 'cifar10:x', '--out', out];
  expect(message(...two)).toBe("error: --data cifar10:x: the experiment's data sets are embedded\n");
  writeFileSync(path.join(directory, 'other.json'), JSON.stringify({ ...experiment, title: 'other' }));
  const other = ['experiment', path.join(directory, 'other.json'), '--data', 'embedded', '--out', out];
  expect(message(...other)).toMatch(/^error: .* holds another experiment/);
  const broken = { ...experiment, dataSets: { embedded: structuredClone(experiment.dataSets.embedded) } };
  broken.dataSets.embedded.pretrain.recipe = 'nothing';
  writeFileSync(path.join(directory, 'broken.json'), JSON.stringify(broken));
  const failing = ['experiment', path.join(directory, 'broken.json'), '--data', 'embedded'];
  const { code, stderr } = selfie([...failing, '--out', path.join(directory, 'out2'), '--threads', '1']);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toMatch(
    /^error: selfie build-graph nothing .*unknown recipe nothing/,
  );
});
