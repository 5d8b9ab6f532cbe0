/** A bundle trained by each runtime: metrics of every step, and the state after the last. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { append } from '../../../src/base/lists';
import type { Bundle } from '../../../src/bundle/read';
import { UserError } from '../../../src/base/errors';
import { readSafetensors } from '../../../src/tensors/safetensors';
import type { HostTensor } from '../../../src/tensors/dtype';
import { StateSession } from '../../../src/runtime/stateSession';
import { metricRecords } from '../../../src/evaluation/feeds';
import type { State } from '../../../src/run/stateTypes';
import { inputsOfStep, inputsPath } from './inputs';

export interface Trained {
  /** of each step */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  readonly state: State;
}

/** By the package's own session, on the CPU. */
export async function trainInNode(
  bundle: Bundle,
  initial: State,
  inputs: ReadonlyMap<string, HostTensor>,
  steps: number,
): Promise<Trained> {
  const session = new StateSession(bundle, { provider: 'cpu', threads: 1 });
  try {
    await session.setState(initial);
    const metrics: Record<string, number>[] = [];
    for (let step = 0; step < steps; step++) {
      const outputs = await session.run('train', inputsOfStep(inputs, step));
      append(metrics, metricRecords(bundle.manifest.graphs.train, outputs, 1));
    }
    return { metrics, state: await session.getState() };
  } finally {
    await session.close();
  }
}

/** By tools/examples/train.py. UserError where the interpreter or one of its packages is missing. */
export async function trainInPython(
  root: string,
  python: string,
  bundle: Bundle,
  folder: string,
  steps: number,
): Promise<Trained> {
  const out = path.join(folder, `python-${steps}.safetensors`);
  const program = path.join(root, 'tools', 'examples', 'train.py');
  const given = [bundle.directory, inputsPath(folder), '--steps', String(steps), '--out', out];
  const child = spawn(python, [program, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
  const metrics: Record<string, number>[] = [];
  createInterface(child.stdout).on('line', (line) => {
    metrics.push(JSON.parse(line) as Record<string, number>);
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(new UserError(`cannot start ${python}: ${error.message}`)));
    child.on('close', resolve);
  });
  if (code !== 0) throw new UserError(`${python} ${program} ended with ${code}: ${said.trim()}`);
  return { metrics, state: readSafetensors(out).tensors };
}
