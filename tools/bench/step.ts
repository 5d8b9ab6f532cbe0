/** Child process: our own training step, by the runtime's session alone. */
import { stateOutputs } from '../../src/bundle/stateOutputs';
import { append } from '../../src/base/lists';
import type { Port } from '../../src/bundle/manifest';
import { graphPath, initialStatePath, readBundle } from '../../src/bundle/read';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import { fromBytes, toBytes } from '../../src/tensors/dtype';
import type { HostTensor } from '../../src/tensors/dtype';
import { collectGarbage } from '../../src/runtime/garbage';
import { createSession } from '../../src/runtime/session';
import { runtimeVersion } from '../../src/runtime/version';
import { batchPath, jobSchema, type Answer, type Job } from './job';
import { deviceMegabytes, environmentProblem, peakMegabytes, processAge } from './process';

/** `tensor` K times along a new first axis; as it is for single steps. */
function stacked({ dtype, shape, data }: HostTensor, loop: boolean, k: number): HostTensor {
  if (!loop) return { dtype, shape, data };
  const bytes = toBytes(data);
  const all = new Uint8Array(bytes.length * k);
  for (let i = 0; i < k; i++) all.set(bytes, i * bytes.length);
  return { dtype, shape: [k, ...shape], data: fromBytes(dtype, all) };
}

async function measure(job: Job): Promise<Answer> {
  const { directory, steps, stepsPerRun, threads, learningRate, startState, saveState } = job;
  const problem = environmentProblem();
  if (problem !== undefined) return { skipped: problem };
  const librariesMb = peakMegabytes();
  const bundle = readBundle(directory);
  const { recipe, graphs } = bundle.manifest;
  const loop = stepsPerRun > 1;
  const graph = loop ? 'train-loop' : 'train';
  const contract = graphs[graph];
  const state = readSafetensors(startState ?? initialStatePath(bundle)).tensors;
  const batch = readSafetensors(batchPath(directory)).tensors;

  const provider = job.device ?? recipe.provider;
  const deviceBefore = provider === 'cuda' ? deviceMegabytes() : undefined;
  const start = performance.now();
  const session = await createSession(graphPath(bundle, graph), { provider, threads });
  const setupSeconds = (performance.now() - start) / 1000;

  const fixed = new Map<string, HostTensor>();
  const scalar = ({ name, dtype }: Port): HostTensor | undefined => {
    if (name === 'learning_rate') return { dtype, shape: [], data: Float32Array.of(learningRate) };
    if (name === 'dropout_seed') return { dtype, shape: [], data: BigInt64Array.of(1n) };
    return undefined;
  };
  for (const port of contract.inputs.filter(({ role }) => role !== 'state')) {
    const tensor = batch.get(port.name) ?? scalar(port);
    if (!tensor) throw new Error(`the benchmark has nothing for the input ${port.name}`);
    fixed.set(port.name, stacked(tensor, loop, stepsPerRun));
  }

  const seconds: number[] = [];
  const losses: number[] = [];
  const ages: number[] = [];
  let left = 0;
  while (seconds.length < steps) {
    const before = performance.now();
    // as the trainer's session thread does
    collectGarbage(left);
    left = 0;
    const results = await session.run(new Map([...fixed, ...state]));
    for (const [output, input] of stateOutputs(contract)) {
      const tensor = results.get(output);
      if (!tensor) throw new Error(`the graph gives no ${output}`);
      left += state.get(input)?.data.byteLength ?? 0;
      state.set(input, tensor);
    }
    append(losses, Array.from(results.get('loss')?.data as Float32Array));
    const each = (performance.now() - before) / 1000 / stepsPerRun;
    const age = processAge();
    for (let i = 1; i <= stepsPerRun; i++) {
      seconds.push(each);
      ages.push(age - each * (stepsPerRun - i));
    }
  }
  const peakMb = peakMegabytes();
  // the runtime's arena gives nothing back: what is taken now is the most that was
  const deviceMb = deviceBefore === undefined ? undefined : deviceMegabytes() - deviceBefore;
  await session.release();
  if (saveState !== undefined) writeSafetensors(saveState, state);
  return {
    seconds,
    losses,
    ages,
    setupSeconds,
    peakMb,
    librariesMb,
    deviceMb,
    version: `onnxruntime-node ${runtimeVersion()}`,
  };
}

measure(jobSchema.parse(JSON.parse(process.argv[2]))).then(
  (answer) => console.log(JSON.stringify(answer)),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
