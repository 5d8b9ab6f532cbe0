/** One build of a network: the graph, whether it trains, and which value stands for each piece of state. */
import type { Graph, Value } from '../graph/graph';
import type { DType } from '../tensors/dtype';
import { namedState, Parameter, RunningStatistic, type Module, type StateTensor } from './state';

export interface BuildSettings {
  /** batch statistics and dropout, or running statistics and none */
  readonly training: boolean;
  /** of parameters and activations; float64 for checks against references */
  readonly dtype?: DType;
  /** scalar int64 that every dropout mask depends on; needed where training uses dropout */
  readonly dropoutSeed?: Value;
}

export interface BoundState {
  readonly name: string;
  readonly state: StateTensor;
  readonly value: Value;
}

export class Context {
  readonly dtype: DType;
  readonly training: boolean;
  readonly bound: BoundState[] = [];
  /** New values of running statistics, by statistic. */
  readonly updates = new Map<RunningStatistic, Value>();
  private readonly values = new Map<StateTensor, Value>();
  private dropoutSites = 0;

  constructor(
    readonly graph: Graph,
    private readonly settings: BuildSettings,
  ) {
    this.dtype = settings.dtype ?? 'float32';
    this.training = settings.training;
  }

  /** Makes a graph input for every state tensor of the modules, its name behind `prefix`. */
  bind(modules: readonly Module[], prefix = ''): void {
    for (const [name, state] of modules.flatMap((module) => namedState(module, prefix))) {
      const value = this.graph.input(name, this.dtype, state.shape);
      this.values.set(state, value);
      this.bound.push({ name, state, value });
    }
  }

  /** The parameters among the bound state, in order. */
  get parameters(): (BoundState & { readonly state: Parameter })[] {
    return this.bound.filter((b): b is BoundState & { state: Parameter } => b.state instanceof Parameter);
  }

  /** The running statistics that the build so far has new values for, in order. */
  get statistics(): { readonly name: string; readonly value: Value; readonly next: Value }[] {
    return this.bound.flatMap(({ name, state, value }) => {
      const next = state instanceof RunningStatistic ? this.updates.get(state) : undefined;
      return next ? [{ name, value, next }] : [];
    });
  }

  value(state: StateTensor): Value {
    const value = this.values.get(state);
    if (!value) throw new Error('a module is applied whose state was not bound to this context');
    return value;
  }

  scope<T>(name: string, body: () => T): T {
    return this.graph.scope(name, body);
  }

  /** Runs `body`, whose batch statistics the running ones do not follow. */
  withoutUpdates<T>(body: () => T): T {
    const before = new Map(this.updates);
    const result = body();
    this.updates.clear();
    before.forEach((value, state) => this.updates.set(state, value));
    return result;
  }

  /** The seed and a number that no other dropout of this build has. */
  nextDropout(): { seed: Value; site: number } {
    const { dropoutSeed } = this.settings;
    if (!dropoutSeed) throw new Error('dropout in a training build needs a dropoutSeed');
    return { seed: dropoutSeed, site: this.dropoutSites++ };
  }
}
