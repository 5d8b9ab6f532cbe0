/** The main thread's handle on the thread that owns the sessions and the state. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { graphPath } from '../bundle/read';
import type { Bundle } from '../bundle/read';
import { GRAPH_NAMES } from '../bundle/manifest';
import type { GraphName } from '../bundle/manifest';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';
import type { Command, Entries, GraphSource, Reply, WorkerSetup } from './protocol';
import type { SessionSettings } from './session';

interface Waiting {
  readonly resolve: (entries: Entries) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs a bundle's graphs on a state that stays in its thread: a state output takes the place of the input that it
 * replaces. Errors are UserErrors that name the graph's file where the graph, its input or the provider is at fault.
 */
export class StateSession {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 0;
  private failure: Error | null = null;

  constructor(bundle: Bundle, settings: SessionSettings) {
    const graphs = Object.fromEntries(
      GRAPH_NAMES.map((name) => [
        name,
        { file: graphPath(bundle, name), contract: bundle.manifest.graphs[name] },
      ]),
    ) as Record<GraphName, GraphSource>;
    const setup: WorkerSetup = { settings, graphs };
    this.worker = new Worker(path.join(__dirname, 'stateWorker.js'), { workerData: setup });
    this.worker.on('message', (reply: Reply) => this.receive(reply));
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', (code) => this.fail(new Error(`the session's thread ended with code ${code}`)));
  }

  /** Creates the session of `graph` now rather than at its first run. */
  async load(graph: GraphName): Promise<void> {
    await this.send({ kind: 'load', graph });
  }

  async setState(state: Iterable<readonly [string, HostTensor]>): Promise<void> {
    await this.send({ kind: 'setState', state: [...state] });
  }

  /** Feeds batch, random and hyper inputs; answers with the metrics and predictions. */
  async run(
    graph: GraphName,
    feeds: Iterable<readonly [string, HostTensor]>,
  ): Promise<Map<string, HostTensor>> {
    return new Map(await this.send({ kind: 'run', graph, feeds: [...feeds] }));
  }

  /** A copy of the state. */
  async getState(): Promise<Map<string, HostTensor>> {
    return new Map(await this.send({ kind: 'getState' }));
  }

  /** Releases the sessions and ends the thread. */
  async close(): Promise<void> {
    if (this.failure) return;
    const ended = new Promise<void>((resolve) => this.worker.once('exit', () => resolve()));
    await this.send({ kind: 'close' });
    await ended;
  }

  private send(command: Command): Promise<Entries> {
    return new Promise((resolve, reject) => {
      if (this.failure) {
        reject(this.failure);
        return;
      }
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, command });
    });
  }

  private receive(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('entries' in reply) {
      waiting?.resolve(reply.entries);
      return;
    }
    const { message, user, stack } = reply.error;
    const error = user ? new UserError(message) : new Error(message);
    if (stack !== undefined) error.stack = stack;
    waiting?.reject(error);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}
