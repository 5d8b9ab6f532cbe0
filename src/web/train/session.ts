/** A bundle's graphs in onnxruntime-web (WASM), and the state that they carry on. The only importer of onnxruntime-web. */
import * as ort from 'onnxruntime-web/wasm';
import type { GraphName, Manifest } from '../../bundle/manifest';
import { stateOutputs } from '../../bundle/stateOutputs';
import { UserError } from '../../base/errors';
import { messageOf } from '../common/words';
import type { HostTensor } from '../../tensors/dtype';
import type { State } from '../../run/stateTypes';

/** Reads a file of the bundle. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** For the start of several threads; where one of them never answers it would be waited for forever. Milliseconds. */
const START_PATIENCE = 60_000;
const WASM = 'ort-wasm-simd-threaded.wasm';
/** y = x, one number: a model to start the runtime with. */
const IDENTITY = 'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0=';

/**
 * Starts the runtime of WebAssembly files at the address `folder`. Several threads need a page that is isolated (COOP, COEP).
 * Rejects where the device refuses them; the module cannot be started a second time.
 */
export async function startRuntime(folder: string, threads: number): Promise<void> {
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  if (threads === 1) return;
  // fetched here, so that a slow network is not taken for threads that do not start
  const response = await fetch(folder + WASM);
  if (!response.ok) throw new UserError(`${folder}${WASM}: ${response.status} ${response.statusText}`);
  ort.env.wasm.wasmBinary = await response.arrayBuffer();
  ort.env.wasm.initTimeout = START_PATIENCE;
  const bytes = Uint8Array.from(atob(IDENTITY), (character) => character.charCodeAt(0));
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  await session.run({ x: new ort.Tensor('float32', new Float32Array(1), [1]) });
  await session.release();
}

export class WebSession {
  private readonly sessions = new Map<GraphName, ort.InferenceSession>();
  private state = new Map<string, HostTensor>();

  constructor(
    private readonly manifest: Manifest,
    private readonly read: ReadFile,
  ) {}

  setState(state: State): void {
    this.state = new Map(state);
  }

  getState(): State {
    return this.state;
  }

  /** Feeds batch, random and hyper inputs; gives metrics and predictions. A state output takes the place that it replaces. */
  async run(
    graph: GraphName,
    feeds: Iterable<readonly [string, HostTensor]>,
  ): Promise<Map<string, HostTensor>> {
    const contract = this.manifest.graphs[graph];
    const { inputs, outputs, file } = contract;
    const session = await this.open(graph, file);
    const fed = new Map([...this.state, ...feeds]);
    const tensors = inputs.map(({ name }) => {
      const tensor = fed.get(name);
      if (!tensor) throw new Error(`${file}: nothing for the input ${name}`);
      return [name, toTensor(tensor)] as const;
    });
    const results = await session.run(Object.fromEntries(tensors)).catch((error: unknown) => {
      throw new UserError(`${file}: the runtime failed: ${messageOf(error)}`, { cause: error });
    });
    const given = new Map(
      outputs.map(({ name, dtype }): [string, HostTensor] => {
        const { dims, data } = results[name];
        return [name, { dtype, shape: dims, data: data as HostTensor['data'] }];
      }),
    );
    for (const [output, input] of stateOutputs(contract)) {
      this.state.set(input, given.get(output) as HostTensor);
      given.delete(output);
    }
    return given;
  }

  /** Never rejects: a runtime that failed may not answer any more. */
  async close(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    await Promise.allSettled(open.map((session) => session.release()));
  }

  private async open(graph: GraphName, file: string): Promise<ort.InferenceSession> {
    const there = this.sessions.get(graph);
    if (there) return there;
    const bytes = await this.read(file);
    try {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
      this.sessions.set(graph, session);
      return session;
    } catch (error) {
      throw new UserError(`${file}: the runtime cannot load it: ${messageOf(error)}`, { cause: error });
    }
  }
}

function toTensor({ dtype, shape, data }: HostTensor): ort.Tensor {
  return new ort.Tensor(dtype as 'float32', data as Float32Array, shape);
}
