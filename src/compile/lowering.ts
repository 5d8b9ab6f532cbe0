/** From a step's composites to the operators of its file. */
import { UserError } from '../base/errors';
import { didYouMean } from '../base/suggest';
import type { Recipe } from '../bundle/recipe';
import type { Graph } from '../graph/graph';
import type { LoweringOptions } from '../lowering/context';
import { lower } from '../lowering/lower';
import { OPTIMIZATIONS, type Optimization } from '../lowering/optimizations';
import { optimize } from '../passes';
import { separateBuffers } from '../passes/buffers';
import { recompute } from '../passes/recompute';

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

/** A step as it is written: lowered, optimized, with what it makes again in place of keeping it, and no buffer that waits. */
export function lowerStep(graph: Graph, options: LoweringOptions, again: Recipe['recompute']): Graph {
  const lowered = optimize(lower(graph, options));
  return separateBuffers(again === 'none' ? lowered : recompute(lowered, again));
}
