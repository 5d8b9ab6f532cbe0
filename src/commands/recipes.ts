/** `selfie recipes` */
import { recipes } from '../../graphs/recipes';
import { defineCommand, print } from './command';

export const recipesCommand = defineCommand({
  name: 'recipes',
  describe: 'list the recipes that come with the package',
  examples: [],
  positionals: {},
  options: {},
  run: () => {
    const width = Math.max(...[...recipes.keys()].map((name) => name.length));
    for (const [name, { description }] of recipes) print(`${name.padEnd(width)}  ${description}`);
  },
});
