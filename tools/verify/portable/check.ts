/** One bundle, the same batches, three runtimes: how far they are apart after one step and after many. */
import path from 'node:path';
import { initialStatePath, readBundle } from '../../../src/bundle/read';
import { readSafetensors } from '../../../src/tensors/safetensors';
import { trainInBrowser } from './browser';
import { type Differences, differences, movedByRounding } from './differences';
import { makeInputs, writeInputs } from './inputs';
import { trainInNode, trainInPython } from './run';

export interface PortableOptions {
  /** run folder or bundle */
  readonly directory: string;
  /** a form of `--data` */
  readonly data: string;
  readonly steps: number;
  /** factor on the learning rate */
  readonly rate: number;
  readonly python: string;
  readonly chromium: string;
  /** for the batches and checkpoints */
  readonly folder: string;
}

/** What is allowed of a runtime in any case; beyond that, `ROUNDING` times what a moved start makes of it. */
const ALLOWED = { loss: 1e-5, median: 1e-5, largest: 1e-4 } as const;
/** One draw of roundings says the size of their effect, not its bound. */
const ROUNDING = 5;

/** At a recipe's full rate roundings grow within 100 steps until two runs of one runtime are as far apart as any. */
export const SLOW = 0.01;

export interface PortableRow {
  readonly runtime: string;
  readonly steps: number;
  /** from Node on the CPU */
  readonly found: Differences;
  /** null for the row that the allowance is measured by */
  readonly passed: boolean | null;
}

export async function* checkPortable(
  root: string,
  options: PortableOptions,
  progress: (line: string) => void,
): AsyncGenerator<PortableRow> {
  const bundle = readBundle(options.directory);
  const { folder } = options;
  const inputs = await makeInputs(bundle, options.data, options.steps, options.rate);
  writeInputs(folder, inputs);
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  for (const steps of new Set([1, options.steps])) {
    progress(`Node, ${steps} steps`);
    const truth = await trainInNode(bundle, initial, inputs, steps);
    const moved = await trainInNode(bundle, movedByRounding(initial), inputs, steps);
    const yardstick = differences(moved, truth);
    yield { runtime: 'Node, start moved by a rounding', steps, found: yardstick, passed: null };
    const others = {
      Python: () => trainInPython(root, options.python, bundle, folder, steps),
      'browser (WASM)': () => trainInBrowser(root, path.resolve(options.chromium), bundle, folder, steps),
    };
    for (const [runtime, trained] of Object.entries(others)) {
      progress(`${runtime}, ${steps} steps`);
      const found = differences(await trained(), truth);
      const passed = (['loss', 'median', 'largest'] as const).every(
        (key) => found[key] <= Math.max(ALLOWED[key], ROUNDING * yardstick[key]),
      );
      yield { runtime, steps, found, passed };
    }
  }
}
