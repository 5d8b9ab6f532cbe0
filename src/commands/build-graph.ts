/** `selfie build-graph <recipe>` */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type BundleSummary } from '../compile/writeBundle';
import { buildBundle } from '../../graphs/tasks';
import type { Port } from '../bundle/manifest';
import { loadRecipe } from '../../graphs/recipes/load';
import { UserError } from '../base/errors';
import { withFolderLock } from '../base/folderLock';
import type { Provider } from '../base/providers';
import { machine } from '../tuning/machine';
import { choicesOf, differences, readTable } from '../compile/tunedTable';
import { defineCommand, positional, print, set, text, warn } from './command';

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
    set,
    tuned: text(
      'fastest implementations for this machine: a table of selfie tune, or none (default: a table for CPUs that comes with the package)',
    ),
    out: text('folder to write to (default: models/<recipe>)'),
  },
  run: async ({ recipe: nameOrPath, set: settings, tuned: table, out }) => {
    const { name, recipe } = loadRecipe(nameOrPath, settings);
    const tuned = tunedChoices(table, recipe.provider);
    const directory = out ?? path.join('models', name);
    mkdirSync(directory, { recursive: true });
    // Its graphs are not taken from under a training, and none begins on what is being replaced.
    const summary = await withFolderLock(directory, 'selfie build-graph', () =>
      Promise.resolve(buildBundle(name, recipe, directory, { tuned })),
    );
    describeBundle(summary).forEach((line) => print(line));
  },
});

/** What `--tuned` means: a table's choices, none, or (without the option) those that come with the package. */
function tunedChoices(file: string | undefined, provider: Provider): ReadonlyMap<string, string> | undefined {
  if (file === undefined || file === 'none') return file === undefined ? undefined : new Map();
  const table = readTable(file);
  const elsewhere = differences(table, { provider });
  if (elsewhere.length > 0) throw new UserError(`--tuned ${file}: it is for ${elsewhere.join()}`);
  differences(table, machine()).forEach((line) => warn(`--tuned ${file} was measured on ${line}`));
  return choicesOf(table);
}

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
