/** `selfie tune <recipe>` */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { programOf } from '../../graphs/tasks';
import { tunedChoices } from '../../graphs/tuned';
import { loweringOptions } from '../compile/lowering';
import { trainGraph } from '../compile/step';
import { writeFileAtomic } from '../base/files';
import { loadRecipe } from '../../graphs/recipes/load';
import { UserError } from '../base/errors';
import { requireProvider } from '../runtime/providers';
import { machine } from '../tuning/machine';
import { differences, mergeTables, readTable } from '../compile/tunedTable';
import { tune } from '../tuning/tune';
import {
  defineCommand,
  positional,
  print,
  provider as providerOption,
  set,
  text,
  warn,
  whole,
} from './command';
import { formatTuned } from '../tuning/format';

export const tuneCommand = defineCommand({
  name: 'tune',
  describe: 'time every way to lower the operators of a recipe on this machine, for build-graph --tuned',
  examples: [
    ['tune cifar10-pretrain', 'writes cifar10-pretrain.tuned.json'],
    ['build-graph cifar10-pretrain --tuned cifar10-pretrain.tuned.json', 'uses it'],
  ],
  positionals: { recipe: positional('a name (see selfie recipes) or a .ts, .js or .json file') },
  options: {
    set,
    provider: { ...providerOption, describe: "where to compute (default: the recipe's)" },
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    out: text('file to write, or to add to (default: <recipe>.tuned.json)'),
  },
  run: async ({ recipe: nameOrPath, set: settings, provider: asked, threads, out }) => {
    const { name, recipe } = loadRecipe(nameOrPath, settings);
    const provider = asked ?? recipe.provider;
    requireProvider(provider);
    const file = out ?? `${name}.tuned.json`;
    const used = { provider, threads: threads ?? availableParallelism() };
    const known = existsSync(file) ? readTable(file) : undefined;
    const elsewhere = known ? differences(known, { ...used, ...machine() }) : [];
    if (elsewhere.length > 0) {
      throw new UserError(`--out ${file}: it was measured on ${elsewhere.join(', ')}; give another file`);
    }
    const table = await tune(
      trainGraph(programOf, recipe).graph,
      { ...loweringOptions(recipe), tuned: tunedChoices(provider), provider },
      used,
      {
        family: (index, total, describe) => process.stderr.write(`[${index + 1}/${total}] ${describe}\n`),
        warn,
      },
    );
    writeFileAtomic(file, `${JSON.stringify(known ? mergeTables(known, table) : table, null, 2)}\n`);
    formatTuned(table).forEach((line) => print(line));
    print();
    print(`written to ${file}; use it with: selfie build-graph ${nameOrPath} --tuned ${file}`);
  },
});
