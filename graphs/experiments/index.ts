/** The experiments that come with the package, by name. */
import type { ExperimentInput } from '../../src/experiment/schema';
import cifar10Mini from './cifar10-mini';
import paperDataRatio from './paper-data-ratio';
import paperHybrid from './paper-hybrid';
import paperTable1 from './paper-table1';

export const experiments: ReadonlyMap<string, ExperimentInput> = new Map([
  ['cifar10-mini', cifar10Mini],
  ['paper-table1', paperTable1],
  ['paper-hybrid', paperHybrid],
  ['paper-data-ratio', paperDataRatio],
]);
