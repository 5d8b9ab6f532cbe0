/** The benchmark as users run it, on a network of a few channels, and its summary numbers. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CASE_NAMES, caseRecipe } from '../../tools/bench/cases';
import { CONTESTANTS } from '../../tools/bench/contestants';
import { curvesCsv } from '../../tools/bench/curves';
import type { Answer } from '../../tools/bench/job';
import { parseOptions } from '../../tools/bench/options';
import { summarize, type Entry, type Row } from '../../tools/bench/rounds';
import { median, pairedRatio, spread } from '../../tools/bench/statistics';
import { formatRows, formatSpread, strangers } from '../../tools/bench/table';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const small = ['network.stages=[1,1,1,1]', 'network.width=2', 'image.size=8'].flatMap((s) => ['--set', s]);

function bench(...args: string[]) {
  const main = path.join(repositoryRoot, 'dist', 'tools', 'bench', 'main.js');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

interface Report {
  readonly results: readonly {
    readonly rows: readonly Row[];
    readonly rounds: readonly (readonly Answer[])[];
  }[];
}

const answer = (seconds: number[], peakMb: number): Answer => ({
  seconds,
  losses: seconds.map((_, i) => 2 - i / 10),
  ages: seconds.map((_, i) => i + 1),
  setupSeconds: 0.5,
  peakMb,
  librariesMb: 10,
  version: 'x 1',
});
const entry = (index: number, warmup = 1): Entry => ({
  key: CONTESTANTS[index].name,
  contestant: CONTESTANTS[index],
  job: { directory: '.', steps: 3, stepsPerRun: 1, threads: 1, learningRate: 0.1 },
  imagesPerStep: 8,
  warmup,
});

describe('the whole', () => {
  test('ours alone, two rounds: table and JSON', async () => {
    await inTemporaryFolder((folder) => {
      const json = path.join(folder, 'report.json');
      const args = [
        '--case',
        'mini-finetune',
        '--batch',
        '4',
        '--rounds',
        '2',
        '--steps',
        '4',
        '--threads',
        '1',
      ];
      const { status, stdout, stderr } = bench(
        ...args,
        '--only',
        'ours,ours-huge-pages',
        '--json',
        json,
        ...small,
      );
      expect({ status, stderr }).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('[4/4]') as string,
      });
      const { results } = JSON.parse(readFileSync(json, 'utf8')) as Report;
      const [{ rows, rounds }] = results;
      expect(rows.map(({ key, status }) => [key, status])).toEqual([
        ['ours', 'measured'],
        ['ours-huge-pages', 'measured'],
      ]);
      expect(rounds.map((own) => own.length)).toEqual([2, 2]);
      expect(rows[0].ratio).toBe(1);
      const losses = rounds.flat().map((one) => ('losses' in one ? one.losses : []));
      expect(losses[0]).toHaveLength(4);
      expect(new Set(losses[0]).size).toBe(4); // the state moves on
      for (const other of losses) expect(other).toEqual(losses[0]);
      for (const row of rows) {
        const { stepSeconds, processSeconds, peakMb = 0, librariesMb = 0, imagesPerSecond } = row;
        expect(imagesPerSecond).toBeCloseTo(4 / (stepSeconds?.median ?? NaN), 6);
        expect(peakMb).toBeGreaterThan(librariesMb);
        expect(processSeconds?.min).toBeGreaterThan(stepSeconds?.median ?? Infinity);
        expect(stdout).toContain(`| ${row.key} `);
      }
      expect(stdout).toContain('s/step, median (min..max)');
      expect(stdout).toContain('start to step 4, s');
      expect(stdout).toContain(losses[0][0].toFixed(5));
      expect(stdout).not.toContain('NOT THE SAME NETWORK');
    });
  });

  test('K steps a call train as single steps do', () => {
    const common = ['--case', 'mini-finetune', '--batch', '4', '--rounds', '1', '--threads', '1', ...small];
    const lastLoss = (...args: string[]) => {
      const { stdout } = bench(...common, '--only', 'ours', ...args);
      return Number(/^\| ours .*\| +(\S+) \|$/m.exec(stdout)?.[1]);
    };
    const single = lastLoss('--steps', '6');
    expect(single).toBeGreaterThan(0);
    expect(lastLoss('--steps', '6', '--steps-per-run', '2')).toBeCloseTo(single, 4);
  });

  test('the trainer beside the bare session', () => {
    const { status, stdout, stderr } = bench(
      ...['--overhead', '--case', 'mini-finetune', '--batch', '4', '--rounds', '1', '--steps', '4'],
      ...['--set', 'network.width=2', '--set', 'network.stages=[1,1,1,1]', '--set', 'schedule.warmupSteps=0'],
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^\| selfie-train +\| +[\d.]+ \([\d.]+\.\.[\d.]+\)/m);
  });

  test('a failing measurement is a row that says why', () => {
    const { status, stdout } = bench(
      ...[
        '--case',
        'mini-finetune',
        '--batch',
        '4',
        '--rounds',
        '2',
        '--steps',
        '3',
        '--only',
        'torch-eager',
      ],
      ...['--python', process.execPath, ...small],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\| torch-eager: failed /m);
    expect(stdout).toMatch(/^torch-eager failed: ended with 1: /m);
  });
});

describe('options', () => {
  test('what cannot be is refused', async () => {
    const refused = async (...args: string[]) =>
      parseOptions(args).then(
        () => 'taken',
        (error: unknown) => (error as Error).message,
      );
    expect(await refused('--only', 'ourz')).toContain('did you mean ours');
    expect(await refused('--without', 'winogrd')).toContain('did you mean winograd');
    expect(await refused('--steps', '2')).toContain('the first 2 are not timed');
    expect(await refused('--case', 'imagenet')).toContain('cifar-resnet50');
    expect(await refused('--curves', '--ablate')).toContain('give one of them');
    expect(await refused('--csv', 'x.csv')).toContain('--curves');
    expect(await refused('--rounds', '3')).toBe('taken');
  });

  test.each(CASE_NAMES)('%s is a recipe without dropout', (name) => {
    const { recipe } = caseRecipe(name, 5, ['precision=exact']);
    expect(recipe).toMatchObject({ batch: 5, precision: 'exact' });
    if (recipe.task === 'pretrain') expect(recipe.pooling.dropout).toBe(0);
  });
});

describe('summary', () => {
  test('median and spread', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(spread([10, 2, 9])).toEqual({ median: 9, min: 2, max: 10 });
  });

  test('ratios are taken within a round', () => {
    // the machine slows down threefold in the second round; the ratio stays
    expect(pairedRatio([[2, 2.2, 1.8], [6]], [[1], [3]])).toBeCloseTo(2);
    expect(pairedRatio([[2], undefined], [undefined, [1]])).toBeUndefined();
  });

  test('rows leave the warm-up out, take the largest memory, and carry reasons', () => {
    const rows = summarize(
      [entry(0), entry(3), entry(11)],
      [
        [answer([9, 1, 3], 100), answer([9, 2, 2], 120)],
        [answer([9, 4, 4], 200), answer([9, 4, 4], 190)],
        [{ skipped: 'no jax' }],
      ],
      0,
    );
    expect(rows[0]).toMatchObject({
      stepSeconds: { median: 2, min: 1, max: 3 },
      imagesPerSecond: 4,
      peakMb: 120,
      processSteps: 3,
      processSeconds: { median: 3 },
      ratio: 1,
      firstLoss: 2,
      lastLoss: 1.8,
    });
    expect(rows[1]).toMatchObject({ ratio: 2, peakMb: 200 });
    expect(rows[2]).toMatchObject({ status: 'skipped', why: 'no jax' });
    const table = formatRows(rows, { losses: true }).split('\n');
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
    expect(table[2]).toContain('2.00 (1.00..3.00)');
    expect(table[4]).toContain('jax: skipped');
  });

  test('another first loss is noticed, to the precision at hand', () => {
    const row = (key: string, firstLoss: number, precision: Row['precision'] = 'float32'): Row => ({
      ...{ key, contestant: key, precision, status: 'measured', firstLoss },
    });
    const rows = [
      row('ours', 2),
      row('same', 2.0001),
      row('half', 2.05, 'bfloat16'),
      row('other', 2.01),
      row('nan', NaN),
    ];
    expect(strangers(rows, 0)).toEqual(['other', 'nan']);
  });

  test('spreads show three places that count', () => {
    expect(formatSpread({ median: 1.8561, min: 1.7, max: 2 })).toBe('1.86 (1.70..2.00)');
    expect(formatSpread({ median: 0.04567, min: 0.04, max: 0.05 })).toBe('0.0457 (0.0400..0.0500)');
    expect(formatSpread({ median: 123.4, min: 120, max: 130 })).toBe('123 (120..130)');
  });

  test('curves as CSV', () => {
    const [row] = summarize([entry(0)], [[answer([9, 1, 3], 100)]], 0);
    const built = { buildSeconds: 1, nodes: 7, parameters: 5, multiplyAdds: 3e9 };
    const points = [{ curve: 'depth', value: '1,1' }];
    const csv = curvesCsv({ case: 'mini-finetune', points, rows: [row], built: [built], rounds: [] });
    expect(csv.split('\n')[1]).toBe('"depth","1,1",2,4,1,3,100,0.5,7');
  });
});

test('a process that was not started as asked says so', () => {
  const program = `console.log(require('./dist/tools/bench/process.js').environmentProblem())`;
  const problem = (LD_PRELOAD: string) =>
    spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env: { ...process.env, LD_PRELOAD } })
      .stdout;
  expect(problem('libnothing.so.4')).toContain('libnothing.so.4 is not installed');
  expect(problem('')).toBe('undefined\n');
});
