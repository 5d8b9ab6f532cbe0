/** Starts a run from another's weights: strict matching by name and part, with a report of what went where. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../bundle/manifest';
import { initialStatePath, readBundle } from '../bundle/read';
import { UserError } from '../errors';
import { readSafetensors } from '../export/safetensors';
import { listCheckpoints, parseKinds, readNewestCheckpoint } from './checkpoints';
import { describe, stateKinds } from './stateTypes';
import type { State, StateKinds } from './stateTypes';

/** Names of parameters and buffers by the part of the network they belong to. */
type ByPart = Record<string, string[]>;

export interface LoadReport {
  /** the file that was read */
  readonly source: string;
  /** taken from the source */
  readonly loaded: ByPart;
  /** not in the source: keeps its initial value */
  readonly fresh: ByPart;
  /** in the source, not in this network */
  readonly left: ByPart;
}

interface Source {
  readonly file: string;
  readonly state: State;
  /** null for a plain safetensors file, which is matched by names alone */
  readonly kinds: StateKinds | null;
}

/** Part of what a plain safetensors file has and the network has not. */
const NO_PART = '(no part)';

/**
 * `initial` with the parameters and buffers replaced that `from` (run folder, bundle, or .safetensors file) has under
 * the same name and part. Optimizer state is never taken.
 * Throws a UserError for a shape mismatch, and where nothing at all matches.
 */
export function initializeFrom(
  from: string,
  manifest: Manifest,
  initial: State,
  warn: (line: string) => void,
): { state: State; report: LoadReport } {
  const source = openSource(from, warn);
  const report: LoadReport = { source: source.file, loaded: {}, fresh: {}, left: {} };
  const state = new Map(initial);
  const taken = new Set<string>();
  for (const entry of manifest.state) {
    if (entry.kind === 'optimizer') continue;
    const tensor = source.state.get(entry.name);
    const samePart = source.kinds === null || source.kinds[entry.name]?.[1] === entry.part;
    if (!tensor || !samePart) {
      add(report.fresh, entry.part, entry.name);
      continue;
    }
    if (describe(tensor) !== describe(entry)) {
      throw new UserError(
        `--init-from ${from}: ${entry.name} is ${describe(tensor)} there and ${describe(entry)} in this network`,
      );
    }
    state.set(entry.name, tensor);
    taken.add(entry.name);
    add(report.loaded, entry.part, entry.name);
  }
  if (taken.size === 0) {
    throw new UserError(
      `--init-from ${from}: nothing in ${source.file} matches this network by name and part`,
    );
  }
  for (const name of source.state.keys()) {
    const [kind, part] = source.kinds?.[name] ?? [
      name.startsWith('optim.') ? 'optimizer' : 'parameter',
      NO_PART,
    ];
    if (kind !== 'optimizer' && !taken.has(name)) add(report.left, part, name);
  }
  return { state, report };
}

/** The report as lines of text: a table by part, and the names of what is fresh or left. */
export function formatLoadReport(report: LoadReport): string[] {
  const { loaded, fresh, left } = report;
  const parts = [...new Set([loaded, fresh, left].flatMap((byPart) => Object.keys(byPart)))];
  const width = Math.max(...parts.map((part) => part.length), 'part'.length);
  const count = (byPart: ByPart, part: string) => String(byPart[part]?.length ?? 0).padStart(6);
  return [
    `weights from ${report.source}`,
    `  ${'part'.padEnd(width)}  loaded   fresh    left`,
    ...parts.map(
      (part) =>
        `  ${part.padEnd(width)}  ${count(loaded, part)}  ${count(fresh, part)}  ${count(left, part)}`,
    ),
    ...listNames('fresh', fresh),
    ...listNames('left', left),
  ];
}

function listNames(title: string, byPart: ByPart): string[] {
  const names = Object.values(byPart).flat();
  if (names.length === 0) return [];
  const shown = names.slice(0, 6).join(', ');
  return [`  ${title}: ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`];
}

function add(byPart: ByPart, part: string, name: string): void {
  (byPart[part] ??= []).push(name);
}

function openSource(from: string, warn: (line: string) => void): Source {
  if (!existsSync(from)) throw new UserError(`--init-from ${from}: no such file or folder`);
  if (!statSync(from).isDirectory()) {
    const { tensors, metadata } = readSafetensors(from);
    const kinds = metadata.state === undefined ? null : parseKinds(from, metadata.state);
    return { file: from, state: tensors, kinds };
  }
  if (listCheckpoints(from).length > 0) return readNewestCheckpoint(from, warn) as Source;
  if (existsSync(path.join(from, 'graph'))) {
    throw new UserError(
      `--init-from ${from}: no checkpoint there yet; train it first, or give ${path.join(from, 'graph')} for its initial state`,
    );
  }
  const bundle = readBundle(from);
  const file = initialStatePath(bundle);
  return { file, state: readSafetensors(file).tensors, kinds: stateKinds(bundle.manifest) };
}
