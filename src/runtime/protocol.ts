/** Messages between the main thread and the thread that owns the sessions and the state. */
import type { GraphContract, GraphName } from '../bundle/manifest';
import type { HostTensor } from '../tensors/dtype';
import type { SessionSettings } from './providers';

export type Entries = (readonly [name: string, tensor: HostTensor])[];

/** What the thread needs to know of a graph: where it lies and what its ports are for. */
export interface GraphSource {
  readonly file: string;
  readonly contract: GraphContract;
}

export interface WorkerSetup {
  readonly settings: SessionSettings;
  readonly graphs: Readonly<Record<GraphName, GraphSource>>;
}

export type Command =
  | { readonly kind: 'load'; readonly graph: GraphName }
  | { readonly kind: 'setState'; readonly state: Entries }
  /** Runs a graph on the state with `feeds` (batch, random, hyper); answers with metrics and predictions. */
  | { readonly kind: 'run'; readonly graph: GraphName; readonly feeds: Entries }
  | { readonly kind: 'getState' };
