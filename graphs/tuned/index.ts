/** Measured choices of lowerings that come with the package. */
import type { Provider } from '../../src/base/providers';
import { choicesOf, parseTable } from '../../src/compile/tunedTable';
import cpu from './cpu.json';

const CPU = choicesOf(parseTable(cpu, 'graphs/tuned/cpu.json'));

/** For a provider the measured choices; what no table has is the rule table's. */
export const tunedChoices = (provider: Provider): ReadonlyMap<string, string> | undefined =>
  provider === 'cpu' ? CPU : undefined;
