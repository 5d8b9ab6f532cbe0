/** `selfie build-graph <recipe>` */
import path from 'node:path';
import { buildBundle, type BundleSummary } from '../../graphs/bundle';
import type { Port } from '../bundle/manifest';
import { loadRecipe } from '../bundle/loadRecipe';
import { defineCommand, positional, print, text } from './command';

export const buildGraph = defineCommand({
  name: 'build-graph',
  describe: 'turn a recipe into a folder of ONNX training graphs and their initial state',
  examples: [
    ['build-graph cifar10-mini-pretrain', 'into models/cifar10-mini-pretrain/graph'],
    ['build-graph cifar10-pretrain --set batch=64 --set network.version=v1', 'with other settings'],
    ['build-graph my-recipe.ts --out models/mine', 'from a file of your own'],
  ],
  positionals: { recipe: positional('a name (see selfie recipes) or a .ts, .js or .json file') },
  options: {
    set: {
      type: 'string',
      array: true,
      nargs: 1,
      default: [] as string[],
      defaultDescription: 'none',
      describe: 'change a setting: network.width=16; may be repeated',
    },
    out: text('folder to write to (default: models/<recipe>)'),
  },
  run: ({ recipe: nameOrPath, set, out }) => {
    const { name, recipe } = loadRecipe(nameOrPath, set);
    describeBundle(buildBundle(name, recipe, out ?? path.join('models', name))).forEach((line) => {
      print(line);
    });
  },
});

/** What was built, for people: where, inputs, parameters, operations a step, expected peak memory. */
export function describeBundle({ directory, manifest, peakBytes, nodes }: BundleSummary): string[] {
  const { recipe, recipeName, graphs, parameters, multiplyAdds } = manifest;
  const inputs = graphs.train.inputs.filter(({ role }) => role !== 'state');
  const states = graphs.train.inputs.length - inputs.length;
  return [
    `${recipeName}: ${recipe.task} for ${recipe.provider}, written to ${directory}`,
    `inputs       ${inputs.map(describePort).join(', ')}, and ${states} tensors of state`,
    `parameters   ${inMillions(parameters)}`,
    `a step       ${(multiplyAdds / 1e9).toPrecision(3)} G multiply-adds, ${nodes} nodes`,
    `peak memory  about ${Math.ceil(peakBytes / 2 ** 20)} MiB of tensors`,
  ];
}

const describePort = ({ name, dtype, shape }: Port) => `${name} ${dtype} [${shape.join(', ')}]`;

const inMillions = (count: number) => (count < 1e6 ? String(count) : `${(count / 1e6).toFixed(2)} M`);
