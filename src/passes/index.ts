/** The passes that every lowered graph goes through. */
import type { Graph } from '../graph/graph';
import { mergeCommonSubexpressions } from './commonSubexpressions';
import { foldConstants } from './constants';
import { removeDeadCode } from './deadCode';

export function optimize(graph: Graph): Graph {
  return removeDeadCode(mergeCommonSubexpressions(foldConstants(removeDeadCode(graph))));
}
