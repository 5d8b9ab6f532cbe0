/** What a model's folder says beside the model: config.pbtxt and labels.txt, as Triton has them. */
import path from 'node:path';
import { UserError } from '../base/errors';
import { messagesOf, parseTextFormat, textOf, textsOf, type TextMessage } from './textFormat';
import { RepositoryFiles, requireFileName, requirePathBelow } from './repositoryFiles';
import { readEnsemble, type EnsembleConfig } from './ensembleConfig';

export type VersionPolicy =
  | { readonly kind: 'latest'; readonly count: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'specific'; readonly versions: readonly string[] };

export interface ModelConfig {
  /** 0: requests are never put together; null: it does not say */
  readonly maxBatch: number | null;
  /** milliseconds that a request may wait for others; null: it does not say */
  readonly delay: number | null;
  readonly policy: VersionPolicy;
  /** name of the model's file in the folder of each version */
  readonly filename: string;
  /** the file of class names, in the model's folder */
  readonly labelsFile: string;
  /** class names; null: there are none here */
  readonly labels: readonly string[] | null;
  /** the models that it chains; null: it is a model itself */
  readonly ensemble: EnsembleConfig | null;
}

export const CONFIG_FILE = 'config.pbtxt';
export const MODEL_FILE = 'model.onnx';
const LABELS_FILE = 'labels.txt';

/**
 * Reads the files of a model's folder; neither must be there. UserError for a file that makes no sense, asks for what is not
 * served, or is none of the repository's.
 */
export function readModelConfig(folder: string, files = new RepositoryFiles(folder)): ModelConfig {
  const file = path.join(folder, CONFIG_FILE);
  const text = files.readText(file);
  const config = text === null ? EMPTY : parseTextFormat(text, file);
  const platform = textOf(config, 'platform') || textOf(config, 'backend') || null;
  const isEnsemble = platform === 'ensemble';
  if (platform !== null && !isEnsemble && platform !== 'onnxruntime_onnx' && platform !== 'onnxruntime')
    throw new UserError(
      `${file}: platform ${platform} is not served; only onnxruntime_onnx and ensemble are`,
    );
  const batching = message(config, 'dynamic_batching');
  const microseconds = batching === null ? null : number(batching, 'max_queue_delay_microseconds', file);
  const [named] = messagesOf(config, 'output').flatMap((output) => textOf(output, 'label_filename') || []);
  const labelsFile = named === undefined ? LABELS_FILE : requirePathBelow(named, `${file}: label_filename`);
  const labels = files.readText(path.join(folder, labelsFile));
  if (labels === null && named !== undefined)
    throw new UserError(`${file}: label_filename: there is no ${path.join(folder, named)}`);
  const filename = textOf(config, 'default_model_filename') || MODEL_FILE;
  const maxBatch = number(config, 'max_batch_size', file);
  return {
    maxBatch,
    delay: microseconds === null ? null : microseconds / 1000,
    policy: versionPolicy(message(config, 'version_policy'), file),
    filename: requireFileName(filename, `${file}: default_model_filename`),
    labelsFile,
    labels: labels === null ? null : labels.trimEnd().split(/\r?\n/),
    ensemble: isEnsemble ? readEnsemble(config, maxBatch ?? 0, file) : null,
  };
}

const EMPTY: TextMessage = new Map();

const message = (from: TextMessage, field: string) => messagesOf(from, field).at(-1) ?? null;

function number(from: TextMessage, field: string, file: string): number | null {
  const value = textOf(from, field);
  if (value === null) return null;
  if (!/^\d+$/.test(value))
    throw new UserError(`${file}: ${field}: ${value}: expected a whole number of at least 0`);
  return Number(value);
}

function versionPolicy(given: TextMessage | null, file: string): VersionPolicy {
  if (given?.has('all')) return { kind: 'all' };
  const specific = given && message(given, 'specific');
  if (specific) return { kind: 'specific', versions: textsOf(specific, 'versions') };
  const latest = given && message(given, 'latest');
  return { kind: 'latest', count: Math.max(1, (latest && number(latest, 'num_versions', file)) ?? 1) };
}
