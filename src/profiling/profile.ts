/** What a measurement says: time and floating-point operations of a step by scope, operator, product and convolution. */
import { graphPath } from '../bundle/read';
import { readModel } from '../onnx/files';
import { flops, isProduct } from './flops';
import type { Measurement } from './measure';
import type { Peak } from './peak';
import { placer, type Phase, type Place } from './scopes';
import type { Kernel } from './trace';

/** A step's share of something; everything is a mean over the measured steps. */
export interface Cost {
  readonly calls: number;
  readonly ms: number;
  /** of them in matrix products and convolutions */
  readonly productMs: number;
  /** operations of matrix products and convolutions as executed, 10^9, a multiply-add being two */
  readonly gflop: number;
}

export interface PlacedKernel extends Kernel, Place {
  readonly flops: number;
}

export interface ScopeCost {
  /** `layer1/0`; `(top level)` for nodes outside all scopes, `(runtime)` for nodes that the runtime put in */
  readonly scope: string;
  readonly total: Cost;
  readonly forward: Cost;
  readonly backward: Cost;
  readonly optimizer: Cost;
}

export interface ProductCost extends Cost {
  readonly op: string;
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

export interface ConvolutionCost extends Cost {
  /** of its weight: [Cout, Cin / groups, kernel height, kernel width] */
  readonly weight: readonly number[];
  /** scopes of the convolutions that are alike: the same weight's shape and the same products */
  readonly scopes: readonly string[];
  readonly forwardMs: number;
  readonly backwardMs: number;
}

export interface Profile {
  readonly recipe: string;
  readonly provider: string;
  readonly threads: number;
  /** training steps that made the weights */
  readonly checkpoint: number;
  /** measured steps */
  readonly steps: number;
  /** median seconds of a step without the profiler; feeding and fetching the tensors included */
  readonly secondsPerStep: number;
  /** mean seconds of a step under the profiler; the sum of the next three */
  readonly profiledSecondsPerStep: number;
  readonly kernelSeconds: number;
  /** inside the runtime, outside kernels: scheduling, memory, the profiler itself */
  readonly betweenKernelsSeconds: number;
  /** outside the runtime: tensors in and out */
  readonly outsideSeconds: number;
  readonly total: Cost;
  readonly peak: Peak | null;
  /** milliseconds by the runtime's provider */
  readonly placement: Readonly<Record<string, number>>;
  readonly scopes: readonly ScopeCost[];
  readonly operators: readonly (Cost & { readonly op: string })[];
  readonly products: readonly ProductCost[];
  readonly convolutions: readonly ConvolutionCost[];
}

/** Kernels of all measured steps with their places. */
export function placeKernels({ bundle, runs }: Measurement): PlacedKernel[] {
  const { nodes } = readModel(graphPath(bundle, 'train')).graph;
  const parameters = bundle.manifest.state.filter(({ kind }) => kind === 'parameter');
  const place = placer(
    nodes.map(({ name }) => name),
    nodes.flatMap(({ outputs }) => outputs),
    parameters.map(({ name }) => name),
  );
  const places = new Map<string, Place>();
  return runs.flatMap(({ kernels }) =>
    kernels.map((kernel) => {
      let found = places.get(kernel.name);
      if (!found) places.set(kernel.name, (found = place(kernel.name)));
      return { ...kernel, ...found, flops: flops(kernel) };
    }),
  );
}

/** Scopes are cut at `depth` parts; lists are ordered by time, the longest first. */
export function summarize(measured: Measurement, kernels: readonly PlacedKernel[], depth: number): Profile {
  const { bundle, settings, step, plainSeconds, profiledSeconds, runs, peak } = measured;
  const steps = runs.length;
  const cost = (group: readonly PlacedKernel[]) => costOf(group, steps);
  const inRuntime = sum(runs.map(({ us }) => us)) / 1e6 / steps;
  const kernelSeconds = sum(kernels.map(({ us }) => us)) / 1e6 / steps;
  const profiledSecondsPerStep = sum(profiledSeconds) / steps;
  const products = kernels.filter(({ op }) => isProduct(op));
  return {
    recipe: bundle.manifest.recipeName,
    provider: settings.provider,
    threads: settings.threads,
    checkpoint: step,
    steps,
    secondsPerStep: median(plainSeconds),
    profiledSecondsPerStep,
    kernelSeconds,
    betweenKernelsSeconds: inRuntime - kernelSeconds,
    outsideSeconds: profiledSecondsPerStep - inRuntime,
    total: cost(kernels),
    peak,
    placement: Object.fromEntries(
      [...groupBy(kernels, ({ provider }) => provider)].map(([name, group]) => [name, cost(group).ms]),
    ),
    scopes: longestFirst(
      [...groupBy(kernels, (kernel) => scopeOf(kernel, depth))].map(([scope, group]) => {
        const of = (phase: Phase) => cost(group.filter((kernel) => kernel.phase === phase));
        const phases = { forward: of('forward'), backward: of('backward'), optimizer: of('optimizer') };
        return { scope, total: cost(group), ...phases };
      }),
      ({ total }) => total.ms,
    ),
    operators: longestFirst(
      [...groupBy(kernels, ({ op }) => op)].map(([op, group]) => ({ op, ...cost(group) })),
      ({ ms }) => ms,
    ),
    products: longestFirst(
      [...groupBy(products, signature).values()].map((group) => {
        const [{ op, inputs, outputs }] = group;
        return { op, inputs: inputs.slice(0, 2), output: outputs[0] ?? [], ...cost(group) };
      }),
      ({ ms }) => ms,
    ),
    convolutions: convolutions(measured, kernels),
  };
}

/** Scopes whose module has a weight of rank 4 are convolutions, however they are lowered. */
function convolutions({ bundle, runs }: Measurement, kernels: readonly PlacedKernel[]): ConvolutionCost[] {
  const byScope = groupBy(
    kernels.filter(({ phase }) => phase === 'forward' || phase === 'backward'),
    ({ path }) => path.join('/'),
  );
  const found = bundle.manifest.state.flatMap(({ name, kind, shape }) => {
    if (kind !== 'parameter' || shape.length !== 4 || !name.endsWith('.weight')) return [];
    const scope = name.slice(0, -'.weight'.length).replaceAll('.', '/');
    const group = byScope.get(scope);
    if (!group) return [];
    const products = new Set(group.filter(({ op }) => isProduct(op)).map(signature));
    return [{ scope, weight: shape, group, key: JSON.stringify([shape, [...products].sort()]) }];
  });
  return longestFirst(
    [...groupBy(found, ({ key }) => key).values()].map((alike) => {
      const group = alike.flatMap((one) => one.group);
      const ms = (phase: Phase) =>
        costOf(
          group.filter((kernel) => kernel.phase === phase),
          runs.length,
        ).ms;
      return {
        weight: alike[0].weight,
        scopes: alike.map(({ scope }) => scope),
        forwardMs: ms('forward'),
        backwardMs: ms('backward'),
        ...costOf(group, runs.length),
      };
    }),
    ({ ms }) => ms,
  );
}

function costOf(kernels: readonly PlacedKernel[], steps: number): Cost {
  const ms = (group: readonly PlacedKernel[]) => sum(group.map(({ us }) => us)) / 1000 / steps;
  return {
    calls: kernels.length / steps,
    ms: ms(kernels),
    productMs: ms(kernels.filter(({ op }) => isProduct(op))),
    gflop: sum(kernels.map((kernel) => kernel.flops)) / 1e9 / steps,
  };
}

function scopeOf({ phase, path }: Place, depth: number): string {
  if (phase === 'runtime') return '(runtime)';
  return path.slice(0, depth).join('/') || '(top level)';
}

const signature = ({ op, inputs, outputs }: Kernel) => JSON.stringify([op, inputs.slice(0, 2), outputs]);

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

const longestFirst = <T>(items: readonly T[], ms: (item: T) => number) =>
  [...items].sort((a, b) => ms(b) - ms(a));
