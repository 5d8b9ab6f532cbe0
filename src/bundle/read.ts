/** Finds a bundle on disk and validates its manifest before anything is run. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors';
import { GRAPH_NAMES, manifestSchema } from './manifest';
import type { GraphContract, GraphName, Manifest } from './manifest';

export interface Bundle {
  /** folder that holds manifest.json and the graphs */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** The folder of the bundle that belongs to `directory`: a run folder's `graph/`, or `directory` itself. */
export function findBundle(directory: string): string | undefined {
  return [path.join(directory, 'graph'), directory].find((d) => existsSync(path.join(d, 'manifest.json')));
}

export function graphPath(bundle: Bundle, graph: GraphName): string {
  return path.join(bundle.directory, bundle.manifest.graphs[graph].file);
}

export function initialStatePath(bundle: Bundle): string {
  return path.join(bundle.directory, bundle.manifest.initialState);
}

/**
 * Reads the bundle of `directory` (a run folder or the bundle itself).
 * Throws a UserError where there is none, a file is missing, or the manifest breaks the contract.
 */
export function readBundle(directory: string): Bundle {
  const found = findBundle(directory);
  if (found === undefined) {
    throw new UserError(
      `${directory}: no bundle here (expected graph/manifest.json); make one with \`selfie build-graph <recipe> --out ${directory}\``,
    );
  }
  const file = path.join(found, 'manifest.json');
  const bundle = { directory: found, manifest: parseManifest(file, readFileSync(file, 'utf8')) };
  const files = [bundle.manifest.initialState, ...GRAPH_NAMES.map((g) => bundle.manifest.graphs[g].file)];
  const missing = files.find((name) => !existsSync(path.join(found, name)));
  if (missing !== undefined) {
    throw new UserError(
      `${path.join(found, missing)}: missing from the bundle; build it again with \`selfie build-graph\``,
    );
  }
  return bundle;
}

/** `file` is for messages only. */
export function parseManifest(file: string, text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: not JSON (${(error as Error).message}); build the bundle again`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    throw new UserError(
      `${file}: ${z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' ')}; build the bundle again`,
    );
  }
  const manifest = parsed.data;
  for (const name of GRAPH_NAMES) checkStatePorts(file, name, manifest.graphs[name], manifest);
  return manifest;
}

/** State ports must be in the manifest's state list, and a state output must replace a state input or entry. */
function checkStatePorts(file: string, name: GraphName, graph: GraphContract, manifest: Manifest): void {
  const entries = new Map(manifest.state.map((entry) => [entry.name, entry]));
  const check = (port: string, state: string, dtype: string, shape: readonly unknown[]) => {
    const entry = entries.get(state);
    if (!entry)
      throw new UserError(
        `${file}: ${name}: ${port} stands for the state ${state}, which is not listed in "state"`,
      );
    if (entry.dtype !== dtype || entry.shape.join() !== shape.join()) {
      throw new UserError(
        `${file}: ${name}: ${port} is ${dtype} [${shape.join(', ')}], but the state ${state} is ${entry.dtype} [${entry.shape.join(', ')}]`,
      );
    }
  };
  for (const port of graph.inputs) {
    if (port.role === 'state') check(port.name, port.name, port.dtype, port.shape);
  }
  for (const port of graph.outputs) {
    if (port.role !== 'state') continue;
    if (port.replaces === undefined)
      throw new UserError(`${file}: ${name}: state output ${port.name} does not say what it replaces`);
    check(port.name, port.replaces, port.dtype, port.shape);
  }
}
