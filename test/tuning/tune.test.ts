/** `selfie tune` on a tiny network, the table that it writes, and the graphs that are built from it. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { programOf } from '../../graphs/tasks';
import { tunedChoices } from '../../graphs/tuned';
import { loweringOptions } from '../../src/compile/lowering';
import { trainGraph } from '../../src/compile/step';
import { loadRecipe, parseRecipe } from '../../graphs/recipes/load';
import type { Node } from '../../src/graph/graph';
import { fuse } from '../../src/lowering/fusion';
import { choose, RULES, signature } from '../../src/lowering/rules';
import { families, familyCandidates } from '../../src/tuning/families';
import { choicesOf, mergeTables, readTable, type TunedTable } from '../../src/compile/tunedTable';
import { relativeDistance, numbersOf } from '../support/tensors';
import { openGraph } from '../support/run';
import { selfie } from '../support/selfie';
import { repositoryRoot } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';
import { torchCase } from '../support/torchCase';
import { userErrorOf } from '../support/userError';

const TINY = {
  task: 'finetune',
  batch: 4,
  image: { size: 8 },
  network: { stages: [1, 1, 1, 1], width: 8, classes: 3 },
};
const recipe = parseRecipe(TINY);
const graph = trainGraph(programOf, recipe).graph;
const options = loweringOptions(recipe);

test('every composite of a training graph is in exactly one family of its shapes', () => {
  const found = families(graph);
  const nodes = found.flatMap((family) => family.nodes);
  const composites = graph.nodes.filter(({ op }) => op.definition.composite);
  expect(new Set(nodes.map(signature))).toEqual(new Set(composites.map(signature)));
  const convolutions = found.filter((family) => family.nodes[0].op.type === 'Conv2d');
  expect(convolutions.length).toBeGreaterThan(5);
  for (const { nodes: members } of convolutions) {
    expect(members.map(({ op }) => op.type)).toEqual(
      expect.arrayContaining(['Conv2d', 'Conv2dWeightGradient']),
    );
  }
});

test("the ways to lower a family are different, and the rule table's is the first", () => {
  for (const family of families(graph)) {
    const ways = familyCandidates(family, options);
    const keys = ways.map(({ choices }) => [...choices.values()].join());
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys[0]).toBe(family.nodes.map((node) => choose(node, options).name).join());
  }
});

const convolution = graph.nodes.find(
  ({ op, inputs }) => op.type === 'Conv2d' && inputs[1]?.shape[2] === 3,
) as Node;

test('a tuned implementation goes before the rules, but not before the switches', () => {
  const tuned = new Map([[signature(convolution), 'winograd4']]);
  const name = (changes: object) => choose(convolution, { ...options, ...changes }).name;
  expect(name({ tuned })).toBe('winograd4');
  expect(name({ tuned, precision: 'exact' })).not.toBe('winograd4');
  expect(name({ tuned, without: ['winograd'] })).toBe('rows');
  expect(name({ tuned: new Map([[signature(convolution), 'of another version']]) })).toBe(name({}));
});

test('tune writes a table with times that build-graph uses', async () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'recipe.json');
    const table = path.join(folder, 'table.json');
    writeFileSync(file, JSON.stringify({ ...TINY, network: { ...TINY.network, stages: [1, 1] } }));
    const tuned = selfie(['tune', file, '--threads', '1', '--out', table]);
    expect(tuned).toMatchObject({ code: 0 });
    expect(tuned.stdout).toMatch(/^Conv2d +4x3x8x8 8x3x3x3 +\w+ +\d+\.\d\d/m);
    const { entries, ...rest } = readTable(table);
    expect(rest).toMatchObject({ provider: 'cpu', threads: 1 });
    for (const { fastest, milliseconds } of entries) {
      expect(Object.keys(milliseconds)).toContain(fastest);
      expect(Object.keys(milliseconds).length).toBeGreaterThan(1);
    }
    const train = (out: string, ...more: string[]) => {
      const built = selfie(['build-graph', file, '--out', path.join(folder, out), ...more]);
      expect(built).toMatchObject({ code: 0 });
      return readFileSync(path.join(folder, out, 'graph', 'train.onnx'));
    };
    // Another choice gives another graph: every convolution the ONNX operator.
    const plain = entries.map((entry) => ({
      ...entry,
      implementations: Object.fromEntries(Object.keys(entry.implementations).map((key) => [key, 'plain'])),
    }));
    const other = path.join(folder, 'plain.json');
    writeFileSync(other, JSON.stringify({ ...rest, entries: plain }));
    expect(train('other', '--tuned', other).equals(train('none', '--tuned', 'none'))).toBe(false);
    expect(train('none-again', '--tuned', 'none').equals(train('none'))).toBe(true);
    const wrong = selfie(['build-graph', file, '--set', 'provider=webgpu', '--tuned', table]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toBe(`error: --tuned ${table}: it is for provider cpu, not webgpu\n`);
  }));

test('a step with every way of every family agrees with the stored one of PyTorch', async () => {
  const { recipe: stored, batch, state, learningRates } = torchCase('finetune-v1');
  const step = trainGraph(programOf, stored).graph;
  const settings = loweringOptions(stored);
  const feeds = {
    ...Object.fromEntries([...batch, ...state]),
    learning_rate: { dtype: 'float32', shape: [], data: Float32Array.of(learningRates[0]) } as const,
  };
  const run = async (tuned: ReadonlyMap<string, string>) => {
    const open = await openGraph(step, { ...settings, tuned });
    const results = await open.run(feeds);
    await open.release();
    return results;
  };
  const expected = await run(new Map());
  const ways = families(step).map((family) => familyCandidates(family, settings));
  const most = Math.max(...ways.map(({ length }) => length));
  for (let i = 1; i < most; i++) {
    const tuned = new Map(ways.flatMap((list) => [...(list[i] ?? list[0]).choices]));
    const results = await run(tuned);
    for (const [name, tensor] of Object.entries(expected)) {
      const distance = relativeDistance(numbersOf(results[name]), numbersOf(tensor));
      expect(`${name} ${distance < 1e-3}`).toBe(`${name} true`);
    }
  }
});

test('the table that comes with the package knows the implementations and the shapes of its recipes', () => {
  const table = readTable(path.join(repositoryRoot, 'graphs', 'tuned', 'cpu.json'));
  for (const [key, name] of choicesOf(table)) {
    const names = RULES[key.split(' ')[0]].map(({ implementation }) => implementation.name);
    expect(`${key}: ${names.includes(name)}`).toBe(`${key}: true`);
  }
  const { recipe: mini } = loadRecipe('cifar10-mini-pretrain');
  const settings = loweringOptions(mini);
  const several = families(fuse(trainGraph(programOf, mini).graph, settings)).filter(
    (family) => familyCandidates(family, settings).length > 1,
  );
  const unknown = several
    .flatMap(({ nodes }) => nodes.map(signature))
    .filter((key) => !tunedChoices('cpu')?.has(key));
  expect(unknown).toEqual([]);
});

const TABLE: TunedTable = {
  formatVersion: 2,
  provider: 'cpu',
  runtime: '1.30.0',
  processor: 'one',
  threads: 2,
  entries: [
    { fastest: 'rows', implementations: { 'Conv2d a': 'rows' }, milliseconds: { rows: 1, plain: 2 } },
    { fastest: 'plain', implementations: { 'Conv2d b': 'plain' }, milliseconds: { rows: 2, plain: 1 } },
  ],
};

test('of the same shapes the newer entry stays', () => {
  const newer = { ...TABLE.entries[0], fastest: 'plain', implementations: { 'Conv2d a': 'plain' } };
  const merged = mergeTables(TABLE, { ...TABLE, entries: [newer] });
  expect(choicesOf(merged)).toEqual(
    new Map([
      ['Conv2d b', 'plain'],
      ['Conv2d a', 'plain'],
    ]),
  );
});

test('a file that is no table is refused by name and key', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'table.json');
    writeFileSync(file, '{');
    expect(userErrorOf(() => readTable(file))).toContain(`${file}: not JSON`);
    writeFileSync(
      file,
      JSON.stringify({ ...TABLE, entries: [{ ...TABLE.entries[0], milliseconds: { a: -1 } }] }),
    );
    expect(userErrorOf(() => readTable(file))).toContain('entries.0.milliseconds.a');
    expect(userErrorOf(() => readTable(path.join(folder, 'missing')))).toContain('missing');
  }));
