/** The faults that are made on purpose: what they are, which suites see a file, and when a run is good enough. */
import path from 'node:path';
import { applyEdit, mutantsOf } from '../../tools/mutate/mutants';
import { namedFaults } from '../../tools/mutate/plan';
import { Suites } from '../../tools/mutate/suites';
import { summary, type Tried } from '../../tools/mutate/table';
import { repositoryRoot } from '../support/paths';

/** Each mutant of a line of code as `kind: the line afterwards`. */
const mutants = (source: string) =>
  mutantsOf('x.ts', source).map((mutant) => `${mutant.kind}: ${applyEdit(source, mutant)}`);

test.each([
  ['a + b * c;', ['dropped statement: ;', 'arithmetic: a - b * c;', 'arithmetic: a + b / c;']],
  ["const t = 'x' + b;", ["constant: const t = 'not x' + b;"]],
  ['const t = -a % b;', ['arithmetic: const t = -a * b;', 'arithmetic: const t = a % b;']],
  ['const t = a < 1;', ['boundary: const t = a <= 1;', 'constant: const t = a < 2;']],
  ['const t = a !== 0.5;', ['comparison: const t = a === 0.5;', 'constant: const t = a !== 1;']],
  [
    'const t = !a && true;',
    ['boolean: const t = !a || true;', 'boolean: const t = a && true;', 'constant: const t = !a && false;'],
  ],
  ['const t = a ?? b;', ['nullish: const t = a;']],
  ['const t = a ? b : c;', ['condition: const t = true ? b : c;', 'condition: const t = false ? b : c;']],
  ['const t = Math.min(a, b);', ['call: const t = Math.max(a, b);']],
  ['const t = near(a, b);', ['swapped arguments: const t = near(b, a);']],
  ['const t = near(a, a);', []],
  [
    'const t = a.filter(b).sort();',
    ['dropped call: const t = a.filter(b);', 'dropped call: const t = a.sort();'],
  ],
  [
    'const t = { a, b: 1, ...c };',
    [
      'dropped property: const t = {  b: 1, ...c };',
      'dropped property: const t = { a,  ...c };',
      'constant: const t = { a, b: 2, ...c };',
      'dropped property: const t = { a, b: 1,  };',
    ],
  ],
])('%s', (source, expected) => expect(mutants(source).sort()).toEqual(expected.sort()));

test('types, imports and what errors say are left alone', () => {
  const source = `import { a } from 'b'; type T = 'x' | 1; interface I { n: 2 } const e = new UserError('c' + 1);`;
  expect(mutants(source)).toEqual([]);
  expect(mutants("if (a) throw new Error('b');")).toEqual([
    "condition: if (true) throw new Error('b');",
    "condition: if (false) throw new Error('b');",
  ]);
});

test('the nearest suites: of the file’s own name, of its folder, then by imports, threads’ files too', () => {
  const suites = new Suites(repositoryRoot);
  const [first, ...others] = suites.nearest('src/data/batches/sampler.ts', 6);
  expect(first).toEqual({
    suite: path.join('dist', 'test', 'data', 'batches', 'sampler.test.js'),
    distance: 0,
  });
  expect(others.map(({ distance }) => distance)).toEqual([...others.map(({ distance }) => distance)].sort());
  const worker = suites
    .nearest('src/data/batches/decodeWorker.ts', 100)
    .map(({ suite }) => path.basename(suite));
  expect(worker).toEqual(expect.arrayContaining(['loader.test.js', 'trainer.test.js']));
});

test('every named fault has its place', () => {
  const faults = namedFaults(repositoryRoot);
  expect(faults.length).toBeGreaterThan(40);
  expect(new Set(faults.map(({ title }) => title)).size).toBe(faults.length);
  const missing = { name: 'x', file: 'src/base/errors.ts', from: 'not there', to: '' };
  expect(() => namedFaults(repositoryRoot, [missing])).toThrow(
    'x: src/base/errors.ts has not one place with not there',
  );
});

describe('a run is good enough', () => {
  const tried = (count: number, outcome: 'killed' | 'survived' | 'timeout', named = false): Tried[] =>
    Array.from({ length: count }, (_, i) => ({
      fault: {
        title: `${outcome} ${i}`,
        named,
        file: 'src/optim/sgd.ts',
        source: '',
        edit: { from: 0, to: 0, text: '' },
      },
      result: { outcome },
    }));
  const passes = (...all: Tried[][]) => summary(all.flat(), ['src/optim']).passed;

  test('with nine of ten killed, or without an end', () => {
    expect(passes(tried(8, 'killed'), tried(1, 'timeout'), tried(1, 'survived'))).toBe(true);
    expect(passes(tried(8, 'killed'), tried(1, 'survived'))).toBe(false);
    expect(passes(tried(20, 'killed'), tried(1, 'survived', true))).toBe(false);
    expect(passes(tried(1, 'killed', true))).toBe(true);
  });

  test('and says what survived', () => {
    const { lines } = summary([...tried(9, 'killed'), ...tried(1, 'survived')], ['src/optim']);
    expect(lines[0]).toBe('survived: survived 0');
    expect(lines.join('\n')).toMatch(/\| src\/optim +\| +10 \| +9 \| +0 \| +0 \| +1 \| +90\.0 \|/);
  });
});
