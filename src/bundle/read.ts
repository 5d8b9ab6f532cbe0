/** Finds a bundle on disk and validates its manifest before anything is run. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { clearLeft } from '../base/aside';
import { UserError } from '../base/errors';
import { GRAPH_NAMES } from './manifest';
import type { GraphName, Manifest } from './manifest';
import { parseManifest } from './parseManifest';

export interface Bundle {
  /** folder that holds manifest.json and the graphs */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** The folder of the bundle that belongs to `directory`: a run folder's `graph/`, or `directory` itself. */
export function findBundle(directory: string): string | undefined {
  const places = [path.join(directory, 'graph'), directory];
  const find = () => places.find((place) => existsSync(path.join(place, 'manifest.json')));
  const found = find();
  if (found !== undefined) return found;
  // A build that was killed may have taken the old one away already; the new one lies beside it.
  for (const place of places) clearLeft(path.dirname(place));
  return find();
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
