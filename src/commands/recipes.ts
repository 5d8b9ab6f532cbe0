/** `selfie recipes` */
import { maxOf } from '../base/lists';
import { recipes } from '../../graphs/recipes';
import { defineCommand, print } from './command';

export const recipesCommand = defineCommand({
  name: 'recipes',
  describe: 'list the recipes that come with the package',
  examples: [],
  positionals: {},
  options: {},
  run: () => {
    const width = maxOf([...recipes.keys()].map((name) => name.length));
    for (const [name, { description }] of recipes) print(`${name.padEnd(width)}  ${description}`);
  },
});
