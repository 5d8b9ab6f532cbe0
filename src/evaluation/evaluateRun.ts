/** Evaluates a run's frozen encoder by nearest neighbours and by a linear probe; each result becomes a file of the run. */
import path from 'node:path';
import { UserError } from '../base/errors';
import { writeJson } from '../run/runFolder';
import { collapse, type Collapse } from './collapse';
import { frozenFeatures, score, type Evaluated, type FrozenOptions, type Score } from './frozen';
import { nearest, vote } from './knn';
import { linearProbe, type LinearProbe } from './linearProbe';

export interface KnnOptions extends FrozenOptions {
  /** neighbours that vote, default 20 */
  readonly k?: number;
  /** of the votes exp(cosine / temperature), default 0.07 */
  readonly temperature?: number;
}

export interface KnnResult extends Evaluated, Score {
  /** the JSON file that was written */
  readonly file: string;
  readonly k: number;
  readonly temperature: number;
  /** of the queries' features */
  readonly collapse: Collapse;
}

export interface LinearProbeResult extends Evaluated, Score, Omit<LinearProbe, 'predictions'> {
  readonly file: string;
}

export const KNN = { k: 20, temperature: 0.07 };

/** Weighted kNN on frozen features; writes knn.json. Throws a UserError for whatever is not there or does not fit. */
export async function evaluateKnn(
  options: KnnOptions,
  warn: (line: string) => void = () => {},
): Promise<KnnResult> {
  const { k = KNN.k, temperature = KNN.temperature } = options;
  const { evaluated, bank, queries, classes, threads } = await frozenFeatures(options, warn);
  if (k > bank.count) throw new UserError(`--k ${k}: there are only ${bank.count} labelled training images`);
  const predictions = vote(
    await nearest(bank, queries, k, threads),
    bank.labels,
    classes.length,
    temperature,
  );
  return write(options.directory, 'knn.json', {
    ...evaluated,
    k,
    temperature,
    ...score(predictions, queries.labels),
    collapse: await collapse(queries, threads),
  });
}

/** A linear probe on frozen features; writes linear-probe.json. Throws a UserError as `evaluateKnn` does. */
export async function evaluateLinearProbe(
  options: FrozenOptions,
  warn: (line: string) => void = () => {},
): Promise<LinearProbeResult> {
  const { evaluated, bank, queries, classes, seed, threads } = await frozenFeatures(options, warn);
  const { predictions, ...chosen } = await linearProbe(bank, queries, classes.length, { seed, threads });
  if (!chosen.converged) warn('the last fit stopped before its minimum');
  return write(options.directory, 'linear-probe.json', {
    ...evaluated,
    ...chosen,
    ...score(predictions, queries.labels),
  });
}

function write<T>(directory: string, name: string, result: T): T & { file: string } {
  const file = path.join(directory, name);
  writeJson(file, result);
  return { ...result, file };
}
