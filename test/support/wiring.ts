/** What a recipe makes of a run, up to the runtime's door: the bundle's files and everything that a training feeds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GRAPH_NAMES, type GraphName } from '../../src/bundle/manifest';
import * as runtime from '../../src/runtime/stateSession';
import { type HostTensor, toBytes } from '../../src/tensors/dtype';
import { train, type TrainOptions } from '../../src/training/trainer';
import { writeSmallBundle } from './smallRun';

type Feeds = readonly (readonly [string, HostTensor])[];

/** In the place of the sessions' thread: notes what comes, and answers 1 for every output. */
class Recorder implements Pick<runtime.StateSession, 'load' | 'setState' | 'run' | 'getState' | 'close'> {
  static calls: { graph: GraphName; feeds: Feeds }[] = [];
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
    const one: HostTensor = { dtype: 'float32', shape: [], data: Float32Array.of(1) };
    return Promise.resolve(new Map(outputs.map(({ name }) => [name, one])));
  }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Trains without a runtime; what each step was fed with, by input. */
export async function feedsOf(options: TrainOptions): Promise<Map<string, HostTensor[]>> {
  const session = jest.spyOn(runtime, 'StateSession');
  session.mockImplementation((bundle) => new Recorder(bundle) as unknown as runtime.StateSession);
  try {
    await train({ threads: 1, workers: 1, provider: 'cpu', ...options });
  } finally {
    session.mockRestore();
  }
  const found = new Map<string, HostTensor[]>();
  for (const [name, tensor] of Recorder.calls.flatMap(({ feeds }) => feeds))
    found.set(name, [...(found.get(name) ?? []), tensor]);
  return found;
}

/** Builds the small classifier with `settings` in `directory` and trains it; a digest of each file and each input's feeds. */
export async function wiringOf(
  directory: string,
  settings: readonly string[],
  options: Omit<TrainOptions, 'directory'>,
): Promise<Map<string, string>> {
  const bundle = writeSmallBundle(directory, ...settings);
  const feeds = await feedsOf({ directory, ...options });
  const bytesOf = (file: string) => readFileSync(path.join(bundle.directory, file));
  return new Map([
    ...GRAPH_NAMES.map((name) => [name, digest(bytesOf(bundle.manifest.graphs[name].file))] as const),
    ['init', digest(bytesOf(bundle.manifest.initialState))],
    ['steps', String(Recorder.calls.length)],
    ...[...feeds].map(
      ([name, steps]) => [name, digest(Buffer.concat(steps.map(({ data }) => toBytes(data))))] as const,
    ),
  ]);
}

/** The names under which the two differ. */
export const differing = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).sort();
