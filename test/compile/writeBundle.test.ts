/** The bundle: same bytes every time, the paper's sizes, K steps in a Loop equal K single steps. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildBundle, programOf } from '../../graphs/tasks';
import { stateEntries, trainGraph } from '../../src/compile/step';
import { type Bundle, graphPath, initialStatePath } from '../../src/bundle/read';
import { parseManifest } from '../../src/bundle/parseManifest';
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import { sizeOf } from '../../src/tensors/dtype';
import { readModel } from '../../src/onnx/files';
import { scalarFeeds } from '../../src/evaluation/feeds';
import * as buffers from '../../src/passes/buffers';
import { randomBatch } from '../../src/bundle/randomBatch';
import { RANDOM_SCALARS } from '../../src/profiling/measure';
import { readSafetensors } from '../../src/tensors/safetensors';
import { mostInUse } from '../support/memoryInUse';
import { writeSmallBundle } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

const tiny: RecipeInput = {
  task: 'pretrain',
  network: { stages: [1, 1], width: 2 },
  pooling: { layers: 1, heads: 2, feedForward: 8 },
  batch: 2,
};

/** Parameters by part of a recipe's network. */
function parameters(input: RecipeInput): Map<string, number> {
  const recipe = recipeSchema.parse(input);
  const counts = new Map<string, number>();
  for (const { kind, part, shape } of stateEntries(programOf, recipe, trainGraph(programOf, recipe))) {
    if (kind === 'parameter') counts.set(part, (counts.get(part) ?? 0) + sizeOf(shape));
  }
  return counts;
}

const total = (counts: Iterable<number>) => [...counts].reduce((a, b) => a + b, 0);

describe('the sizes of the paper', () => {
  test('P has 8.53 M parameters, P + A 25.08 M', () => {
    const counts = parameters({ task: 'pretrain', batch: 2 });
    const pooling = counts.get('attention_pooling') ?? 0;
    const position = counts.get('position') ?? 0;
    const encoder = total(counts.values()) - pooling - position;
    expect((encoder / 1e6).toFixed(2)).toBe('8.53');
    expect(((encoder + pooling) / 1e6).toFixed(2)).toBe('25.08');
  });

  test('ResNet-50 with 1000 classes has 25.55 M parameters', () => {
    const network = { stages: [3, 4, 6, 3], classes: 1000, stem: 'imagenet' as const };
    const count = (version: 'v1' | 'v2') =>
      total(
        parameters({
          task: 'finetune',
          batch: 2,
          image: { size: 64 },
          network: { ...network, version },
        }).values(),
      );
    // torchvision's resnet50
    expect(count('v1')).toBe(25_557_032);
    expect((count('v2') / 1e6).toFixed(2)).toBe('25.55');
  });
});

test('building twice gives the same bytes, and every file of the contract', async () => {
  await inTemporaryFolder((folder) => {
    const [a, b] = ['a', 'b'].map((name) =>
      buildBundle('tiny', recipeSchema.parse(tiny), path.join(folder, name)),
    );
    const files = readdirSync(a.directory).sort();
    expect(files).toEqual([
      'apply.onnx',
      'encoder.onnx',
      'eval.onnx',
      'grad.onnx',
      'init.safetensors',
      'manifest.json',
      'train-loop.onnx',
      'train.onnx',
    ]);
    for (const file of files) {
      const bytes = (directory: string) => readFileSync(path.join(directory, file));
      expect(bytes(a.directory).equals(bytes(b.directory))).toBe(true);
    }
    expect(readdirSync(path.join(folder, 'a'))).toEqual(['graph']);
  });
});

test('the manifest describes the files', async () => {
  await inTemporaryFolder((folder) => {
    const { directory, manifest } = buildBundle('tiny', recipeSchema.parse(tiny), folder);
    const file = path.join(directory, 'manifest.json');
    expect(parseManifest(file, readFileSync(file, 'utf8'))).toEqual(manifest);
    for (const { file: name, inputs, outputs } of Object.values(manifest.graphs)) {
      const { graph, opsets } = readModel(path.join(directory, name));
      const ports = (list: readonly { name: string; dtype: string; shape: readonly unknown[] }[]) =>
        list.map((port) => [port.name, port.dtype, [...port.shape]]);
      expect(ports(graph.inputs)).toEqual(ports(inputs));
      expect(ports(graph.outputs)).toEqual(ports(outputs));
      expect(opsets).toEqual([{ domain: '', version: manifest.opset }]);
    }
  });
});

test('no training graph holds a random operator, a composite or a foreign domain', async () => {
  await inTemporaryFolder((folder) => {
    const { directory, manifest } = buildBundle('tiny', recipeSchema.parse(tiny), folder);
    for (const { file } of Object.values(manifest.graphs)) {
      const { nodes } = readModel(path.join(directory, file)).graph;
      expect(nodes.filter((n) => n.domain !== '' || /Random|Bernoulli|Multinomial/.test(n.opType))).toEqual(
        [],
      );
    }
  });
});

test('dropout 0 leaves no trace in the graph', () => {
  const build = (dropout: number) =>
    trainGraph(programOf, recipeSchema.parse({ ...tiny, pooling: { ...tiny.pooling, dropout } }));
  const inputs = (dropout: number) => build(dropout).contract.inputs.map((port) => port.name);
  expect(inputs(0.1)).toContain('dropout_seed');
  expect(inputs(0)).not.toContain('dropout_seed');
  expect(build(0).graph.nodes.filter((node) => node.scope.includes('dropout'))).toEqual([]);
});

/** Of one step of `train.onnx`. */
function stepInUse(bundle: Bundle): Promise<number> {
  const { train } = bundle.manifest.graphs;
  return mostInUse(readFileSync(graphPath(bundle, 'train')), [
    ...readSafetensors(initialStatePath(bundle)).tensors,
    ...randomBatch(train, bundle.manifest.recipe),
    ...scalarFeeds(train, RANDOM_SCALARS, false),
  ]);
}

test('recompute: the less is kept for the gradients, the less memory a step needs', () =>
  inTemporaryFolder((folder) => {
    const peak = (recompute: string) => {
      const wide = { ...tiny, network: { stages: [1], width: 8 }, batch: 4, recompute };
      return buildBundle('wide', recipeSchema.parse(wide), path.join(folder, recompute)).peakBytes;
    };
    const [none, windows, all] = ['none', 'windows', 'all'].map(peak);
    expect(windows).toBeLessThan(0.95 * none);
    expect(all).toBeLessThan(0.95 * windows);
  }));

test('what forward leaves behind does not wait for the gradients', () =>
  inTemporaryFolder(async (folder) => {
    const separate = writeSmallBundle(path.join(folder, 'separate'));
    const spy = jest.spyOn(buffers, 'separateBuffers').mockImplementation((graph) => graph);
    const shared = writeSmallBundle(path.join(folder, 'shared'));
    spy.mockRestore();
    expect(await stepInUse(separate)).toBeLessThan(0.95 * (await stepInUse(shared)));
  }));
