/** What a recipe makes of a run, up to the runtime's door: the bundle's files and everything that a training feeds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GRAPH_NAMES, type GraphName } from '../../src/bundle/manifest';
import * as runtime from '../../src/runtime/stateSession';
import { type HostTensor, toBytes } from '../../src/tensors/dtype';
import { train, type TrainHooks, type TrainOptions } from '../../src/training/trainer';
import { writeSmallBundle } from './smallRun';

export interface Call {
  readonly graph: GraphName;
  readonly feeds: readonly (readonly [string, HostTensor])[];
}

/** In the place of the sessions' thread: notes what comes, and answers 1 for every output of every step. */
class Recorder implements Pick<runtime.StateSession, 'load' | 'setState' | 'run' | 'getState' | 'close'> {
  static calls: Call[] = [];
  private state = new Map<string, HostTensor>();

  constructor(private readonly bundle: ConstructorParameters<typeof runtime.StateSession>[0]) {
    Recorder.calls = [];
  }

  load = () => Promise.resolve();
  close = () => Promise.resolve();
  getState = () => Promise.resolve(this.state);

  setState(state: Iterable<readonly [string, HostTensor]>): Promise<void> {
    this.state = new Map(state);
    return Promise.resolve();
  }

  run(graph: GraphName, feeds: Iterable<readonly [string, HostTensor]>): Promise<Map<string, HostTensor>> {
    // the loader uses the memory of a batch again
    const kept = [...feeds].map(
      ([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }] as const,
    );
    Recorder.calls.push({ graph, feeds: kept });
    const { outputs } = this.bundle.manifest.graphs[graph];
    const steps = kept.find(([name]) => name === 'learning_rate')?.[1].data.length ?? 1;
    const one: HostTensor = { dtype: 'float32', shape: [steps], data: new Float32Array(steps).fill(1) };
    return Promise.resolve(new Map(outputs.map(({ name }) => [name, one])));
  }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Trains without a runtime; every call of it. */
export async function callsOf(options: TrainOptions, hooks: TrainHooks = {}): Promise<readonly Call[]> {
  const session = jest.spyOn(runtime, 'StateSession');
  session.mockImplementation((bundle) => new Recorder(bundle) as unknown as runtime.StateSession);
  try {
    await train({ threads: 1, workers: 1, provider: 'cpu', ...options }, hooks);
  } finally {
    session.mockRestore();
  }
  return Recorder.calls;
}

/** Builds the small classifier with `settings` in `directory` and trains it; a digest of each file and each input's feeds. */
export async function wiringOf(
  directory: string,
  settings: readonly string[],
  options: Omit<TrainOptions, 'directory'>,
): Promise<Map<string, string>> {
  const bundle = writeSmallBundle(directory, ...settings);
  const calls = await callsOf({ directory, ...options });
  const feeds = new Map<string, HostTensor[]>();
  for (const [name, tensor] of calls.flatMap((call) => call.feeds))
    feeds.set(name, [...(feeds.get(name) ?? []), tensor]);
  const bytesOf = (file: string) => readFileSync(path.join(bundle.directory, file));
  return new Map([
    ...GRAPH_NAMES.map((name) => [name, digest(bytesOf(bundle.manifest.graphs[name].file))] as const),
    ['init', digest(bytesOf(bundle.manifest.initialState))],
    ['steps', String(calls.length)],
    ...[...feeds].map(
      ([name, steps]) => [name, digest(Buffer.concat(steps.map(({ data }) => toBytes(data))))] as const,
    ),
  ]);
}

/** The names under which the two differ. */
export const differing = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).sort();
