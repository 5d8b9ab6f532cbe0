/** From a recipe's name or file and `--set` overrides to a checked recipe. */
import path from 'node:path';
import { recipes } from '.';
import { UserError } from '../../src/base/errors';
import { didYouMean } from '../../src/base/suggest';
import { EXTENSIONS, readProgram } from '../../src/base/loadModule';
import { checkRecipe } from '../../src/bundle/checkRecipe';
import { applyOverrides } from '../../src/bundle/overrides';
import { describeIssues } from '../../src/bundle/recipeIssues';
import { recipeSchema, type Recipe } from '../../src/bundle/recipe';

export interface LoadedRecipe {
  /** a known recipe's name, or the file's name without its extension */
  readonly name: string;
  readonly recipe: Recipe;
}

/**
 * Loads a recipe by its name (`cifar10-pretrain`) or from a .ts, .js or .json file (a program's default export), and
 * puts in each `a.b=value` of `overrides`. Throws a UserError for an unknown name or key, a wrong type, and values that
 * do not fit together.
 */
export function loadRecipe(nameOrPath: string, overrides: readonly string[] = []): LoadedRecipe {
  const known = recipes.get(nameOrPath);
  const name = known ? nameOrPath : path.parse(nameOrPath).name;
  const input: unknown = known ? known.recipe : readRecipeFile(nameOrPath);
  const where = `recipe ${nameOrPath}`;
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new UserError(
      `${where}: expected an object with task and further keys (a program exports it as default)`,
    );
  return { name, recipe: parseRecipe(applyOverrides(input, overrides), where) };
}

/** Checks a recipe's keys, types and how they fit together, and fills in the defaults; `where` begins the error. */
export function parseRecipe(input: unknown, where = 'recipe'): Recipe {
  const parsed = recipeSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) throw new UserError(`${where}: ${describeIssues(parsed.error)}`);
  try {
    return checkRecipe(parsed.data);
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${where}: ${error.message}`) : error;
  }
}

function readRecipeFile(file: string): unknown {
  if (!EXTENSIONS.includes(path.extname(file))) {
    const known = [...recipes.keys()];
    throw new UserError(
      `unknown recipe ${file}${didYouMean(file, known)} (known: ${known.join(', ')}; or a .ts, .js or .json file)`,
    );
  }
  return readProgram(file, 'recipe');
}
