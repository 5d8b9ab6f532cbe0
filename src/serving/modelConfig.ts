/** What a model's folder says beside the model: config.pbtxt and labels.txt, as Triton has them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../errors';
import { parseTextFormat, type TextMessage, type TextValue } from './textFormat';

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
  /** class names; null: there are none here */
  readonly labels: readonly string[] | null;
}

export const CONFIG_FILE = 'config.pbtxt';
export const LABELS_FILE = 'labels.txt';

/** Reads the files of a model's folder; neither must be there. UserError for a file that makes no sense or asks for what is not served. */
export function readModelConfig(folder: string): ModelConfig {
  const file = path.join(folder, CONFIG_FILE);
  const config = existsSync(file) ? parseTextFormat(readFileSync(file, 'utf8'), file) : EMPTY;
  const platform = text(config, 'platform') ?? text(config, 'backend');
  if (platform !== null && platform !== 'onnxruntime_onnx' && platform !== 'onnxruntime')
    throw new UserError(`${file}: platform ${platform} is not served; only onnxruntime_onnx is`);
  const batching = message(config, 'dynamic_batching');
  const microseconds = batching === null ? null : number(batching, 'max_queue_delay_microseconds', file);
  const named = messages(config, 'output').map((output) => text(output, 'label_filename'));
  const labels = path.join(folder, named.find((name) => name !== null) ?? LABELS_FILE);
  return {
    maxBatch: number(config, 'max_batch_size', file),
    delay: microseconds === null ? null : microseconds / 1000,
    policy: versionPolicy(message(config, 'version_policy'), file),
    labels: existsSync(labels) ? readLines(labels) : null,
  };
}

const EMPTY: TextMessage = new Map();

const readLines = (file: string) => readFileSync(file, 'utf8').trimEnd().split(/\r?\n/);

const isMessage = (value: TextValue | undefined): value is TextMessage =>
  value !== undefined && typeof value !== 'string';

const messages = (from: TextMessage, field: string) => (from.get(field) ?? []).filter(isMessage);

const message = (from: TextMessage, field: string) => messages(from, field).at(-1) ?? null;

function text(from: TextMessage, field: string): string | null {
  const value = from.get(field)?.at(-1);
  return typeof value === 'string' ? value : null;
}

function number(from: TextMessage, field: string, file: string): number | null {
  const value = text(from, field);
  if (value === null) return null;
  if (!/^\d+$/.test(value))
    throw new UserError(`${file}: ${field}: ${value}: expected a whole number of at least 0`);
  return Number(value);
}

function versionPolicy(given: TextMessage | null, file: string): VersionPolicy {
  if (given?.has('all')) return { kind: 'all' };
  const specific = given && message(given, 'specific');
  if (specific) {
    const versions = (specific.get('versions') ?? []).filter((version) => typeof version === 'string');
    return { kind: 'specific', versions };
  }
  const latest = given && message(given, 'latest');
  return { kind: 'latest', count: Math.max(1, (latest && number(latest, 'num_versions', file)) ?? 1) };
}
