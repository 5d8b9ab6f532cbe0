/** How a step's outputs become the next step's inputs. */
import type { GraphContract } from './manifest';

/** [output, input]: each state output, and the state input whose place it takes. */
export const stateOutputs = ({
  outputs,
}: Pick<GraphContract, 'outputs'>): [output: string, input: string][] =>
  outputs.flatMap(({ name, role, replaces }): [string, string][] =>
    role === 'state' && replaces !== undefined ? [[name, replaces]] : [],
  );
