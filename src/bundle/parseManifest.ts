/** From the text of manifest.json to a manifest that keeps the contract. */
import { z } from 'zod';
import { UserError } from '../base/errors';
import { GRAPH_NAMES, manifestSchema } from './manifest';
import type { GraphContract, GraphName, Manifest } from './manifest';

/** UserError for text that is no manifest, or breaks the contract; `file` is for messages only. */
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
