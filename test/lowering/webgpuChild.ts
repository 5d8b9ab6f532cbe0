/**
 * Child process of webgpu.slow.ts: `node webgpuChild.js CASE STEPS DROPOUT` trains one stored case of tiny networks on the CPU
 * and on WebGPU, each by the bundle lowered for it, and prints what differs as JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { readBundle } from '../../src/bundle/read';
import type { HostTensor } from '../../src/tensors/dtype';
import { StateSession } from '../../src/runtime/stateSession';
import { explainPlacement } from '../../src/profiling/placement';
import { relativeDistance } from '../support/tensors';
import { torchCase } from '../support/torchCase';

type Provider = 'cpu' | 'webgpu';

export interface WebgpuReport {
  readonly losses: Readonly<Record<Provider, number[]>>;
  /** the state tensor farthest apart after the first and after the last step, relative to the CPU's norm */
  readonly worst: readonly { readonly name: string; readonly distance: number }[];
  readonly placement: readonly string[];
}

async function main(name: string, steps: number, dropout: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-webgpu-'));
  const stored = torchCase(name);
  const { learningRates, batch, state } = stored;
  const run = async (provider: Provider) => {
    const pooling = { ...stored.recipe.pooling, dropout };
    const directory = path.join(folder, provider);
    buildBundle(name, { ...stored.recipe, pooling, provider }, directory);
    const bundle = readBundle(directory);
    const session = new StateSession(bundle, { provider, threads: 1 });
    const losses: number[] = [];
    const states: Map<string, HostTensor>[] = [];
    await session.setState(state);
    for (let step = 0; step < steps; step++) {
      const scalars: [string, HostTensor][] = [
        ['learning_rate', { dtype: 'float32', shape: [], data: Float32Array.of(learningRates[step]) }],
      ];
      if (bundle.manifest.graphs.train.inputs.some((port) => port.name === 'dropout_seed')) {
        scalars.push(['dropout_seed', { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(step)) }]);
      }
      const metrics = await session.run('train', [...batch, ...scalars]);
      losses.push(Number(metrics.get('loss')?.data[0]));
      if (step === 0 || step === steps - 1) states.push(await session.getState());
    }
    await session.close();
    return { losses, states, directory };
  };
  try {
    const cpu = await run('cpu');
    const gpu = await run('webgpu');
    const worst = cpu.states.map((expected, i) =>
      [...expected]
        .map(([key, tensor]) => {
          const other = gpu.states[i].get(key);
          if (!other) throw new Error(`the state on WebGPU has no ${key}`);
          const numbers = [other, tensor].map(({ data }) => Array.from(data, Number));
          return { name: key, distance: relativeDistance(numbers[0], numbers[1]) };
        })
        .reduce((a, b) => (a.distance > b.distance ? a : b)),
    );
    const placement = await explainPlacement(gpu.directory, { provider: 'webgpu', threads: 1 });
    const report: WebgpuReport = { losses: { cpu: cpu.losses, webgpu: gpu.losses }, worst, placement };
    console.log(JSON.stringify(report));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv[2], Number(process.argv[3]), Number(process.argv[4])).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
