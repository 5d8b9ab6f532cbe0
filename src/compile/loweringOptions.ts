/** What a recipe says of its lowering. */
import { UserError } from '../base/errors';
import { didYouMean } from '../base/suggest';
import type { Recipe } from '../bundle/recipe';
import type { LoweringOptions } from '../lowering/context';
import { OPTIMIZATIONS, type Optimization } from '../lowering/optimizations';

/** How a recipe wants its graphs lowered. Throws a UserError where `without` names what is no optimization. */
export function loweringOptions({ provider, precision, without }: Recipe): LoweringOptions {
  const isName = (name: string): name is Optimization => Object.hasOwn(OPTIMIZATIONS, name);
  const unknown = without.find((name) => !isName(name));
  if (unknown !== undefined) {
    const names = Object.keys(OPTIMIZATIONS);
    throw new UserError(
      `recipe: without: there is no optimization ${unknown}${didYouMean(unknown, names)} (there are: ${names.join(', ')})`,
    );
  }
  return { provider, precision, without: without.filter(isName) };
}
