/** A bundle's graphs in onnxruntime-web (WASM), and the state that they carry on. The only importer of onnxruntime-web. */
import * as ort from 'onnxruntime-web/wasm';
import type { GraphName, Manifest } from '../../bundle/manifest';
import { stateOutputs } from '../../bundle/stateOutputs';
import { UserError } from '../../base/errors';
import type { HostTensor } from '../../tensors/dtype';
import type { State } from '../../run/stateTypes';

/** Reads a file of the bundle. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** `folder`: address of the runtime's WebAssembly files. Several threads need a page that is isolated (COOP, COEP). */
export function prepareRuntime(folder: string, threads: number): void {
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
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
    const results = await session.run(Object.fromEntries(tensors));
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

  async close(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    for (const session of open) await session.release();
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
      throw new UserError(`${file}: the runtime cannot load it: ${String(error)}`, { cause: error });
    }
  }
}

function toTensor({ dtype, shape, data }: HostTensor): ort.Tensor {
  return new ort.Tensor(dtype as 'float32', data as Float32Array, shape);
}
