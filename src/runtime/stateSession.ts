/** The main thread's handle on the thread that owns the sessions and the state. */
import { graphPath } from '../bundle/read';
import type { Bundle } from '../bundle/read';
import { GRAPH_NAMES } from '../bundle/manifest';
import type { GraphName } from '../bundle/manifest';
import { threadFile } from '../base/build';
import { WorkerCalls } from '../base/workerCalls';
import type { HostTensor } from '../tensors/dtype';
import type { Command, Entries, GraphSource, WorkerSetup } from './protocol';
import type { SessionSettings } from './providers';

/**
 * Runs a bundle's graphs on a state that stays in its thread: a state output takes the place of the input that it
 * replaces. Errors are UserErrors that name the graph's file where the graph, its input or the provider is at fault.
 */
export class StateSession {
  private readonly thread: WorkerCalls<Command, Entries>;

  constructor(bundle: Bundle, settings: SessionSettings) {
    const graphs = Object.fromEntries(
      GRAPH_NAMES.map((name) => [
        name,
        { file: graphPath(bundle, name), contract: bundle.manifest.graphs[name] },
      ]),
    ) as Record<GraphName, GraphSource>;
    const setup: WorkerSetup = { settings, graphs };
    this.thread = new WorkerCalls(threadFile('src/runtime/stateWorker.js'), setup, "the session's thread");
  }

  /** Creates the session of `graph` now rather than at its first run. */
  async load(graph: GraphName): Promise<void> {
    await this.thread.call({ kind: 'load', graph });
  }

  async setState(state: Iterable<readonly [string, HostTensor]>): Promise<void> {
    await this.thread.call({ kind: 'setState', state: [...state] });
  }

  /** Feeds batch, random and hyper inputs; answers with the metrics and predictions. */
  async run(
    graph: GraphName,
    feeds: Iterable<readonly [string, HostTensor]>,
  ): Promise<Map<string, HostTensor>> {
    return new Map(await this.thread.call({ kind: 'run', graph, feeds: [...feeds] }));
  }

  /** A copy of the state. */
  async getState(): Promise<Map<string, HostTensor>> {
    return new Map(await this.thread.call({ kind: 'getState' }));
  }

  /** Releases the sessions and ends the thread. */
  close(): Promise<void> {
    return this.thread.close();
  }
}
