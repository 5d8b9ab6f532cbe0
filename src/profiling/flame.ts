/** The kernels of a step as trees whose widths are milliseconds, for the flame graph. */
import { isProduct } from './flops';
import type { PlacedKernel, Profile } from './profile';
import type { Phase } from './scopes';

/** What d3-flame-graph draws; a frame is as wide as its `value`, which includes the children's. */
export interface Frame {
  readonly name: string;
  /** milliseconds a step */
  value: number;
  /** 10^9 operations a step */
  gflop: number;
  /** what decides the colour; null where phases meet */
  readonly phase: Phase | 'outside' | null;
  /** a matrix product or convolution */
  readonly product: boolean;
  readonly children: Frame[];
}

const frame = (name: string, phase: Frame['phase'], product = false): Frame => ({
  name,
  value: 0,
  gflop: 0,
  phase,
  product,
  children: [],
});

/** step > phase > scopes > operator. */
export const byPhase = (profile: Profile, kernels: readonly PlacedKernel[]): Frame =>
  tree(profile, kernels, ({ phase, path, op }) => [phase === 'runtime' ? '(runtime)' : phase, ...path, op]);

/** step > scopes > phase > operator: what a module costs in all. */
export const byScope = (profile: Profile, kernels: readonly PlacedKernel[]): Frame =>
  tree(profile, kernels, ({ phase, path, op }) =>
    phase === 'runtime' ? ['(runtime)', op] : [...path, phase, op],
  );

function tree(
  profile: Profile,
  kernels: readonly PlacedKernel[],
  pathOf: (kernel: PlacedKernel) => readonly string[],
): Frame {
  const root = frame('step', null);
  const add = (at: Frame, milliseconds: number, gflop: number) => {
    at.value += milliseconds;
    at.gflop += gflop;
  };
  for (const kernel of kernels) {
    const cost = [kernel.us / 1000 / profile.steps, kernel.flops / 1e9 / profile.steps] as const;
    add(root, ...cost);
    let at = root;
    const path = pathOf(kernel);
    let phase: Frame['phase'] = null;
    path.forEach((name, i) => {
      if (name === kernel.phase || kernel.phase === 'runtime') phase = kernel.phase;
      const last = i === path.length - 1;
      // An operator may be called like a scope beside it.
      const kind = last ? isProduct(kernel.op) : false;
      let child: Frame | undefined = at.children.find((one) => one.name === name && one.phase === phase);
      if (!child) at.children.push((child = frame(name, phase, kind)));
      add(child, ...cost);
      at = child;
    });
  }
  const outside = frame('(not in kernels)', 'outside');
  add(outside, 1000 * (profile.betweenKernelsSeconds + profile.outsideSeconds), 0);
  add(root, outside.value, 0);
  root.children.push(outside);
  return root;
}
