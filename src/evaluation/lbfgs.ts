/** Minimizes a smooth function by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5). */

export interface Evaluated {
  readonly value: number;
  /** of the length of x; a fresh array each time */
  readonly gradient: Float64Array;
}

export interface Minimum extends Evaluated {
  readonly x: Float64Array;
  readonly iterations: number;
  /** the largest |gradient| is at most the tolerance */
  readonly converged: boolean;
}

export interface LbfgsOptions {
  /** stop where no component of the gradient is larger; default 1e-6 */
  readonly tolerance?: number;
  /** default 500 */
  readonly maxIterations?: number;
  /** pairs of steps and gradient differences that are kept; default 10 */
  readonly memory?: number;
}

/** Wolfe conditions: sufficient decrease, and a slope that has flattened enough. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Halvings and doublings of one line search; 2^-40 is below any useful step. */
const MOST_TRIES = 40;

interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/** Stops at the tolerance, after `maxIterations`, or where rounding hides any further decrease. */
export async function minimize(
  evaluate: (x: Float64Array) => Evaluated | Promise<Evaluated>,
  start: Float64Array,
  { tolerance = 1e-6, maxIterations = 500, memory = 10 }: LbfgsOptions = {},
): Promise<Minimum> {
  let x: Float64Array = Float64Array.from(start);
  let at = await evaluate(x);
  const pairs: Pair[] = [];
  let iterations = 0;
  while (largest(at.gradient) > tolerance && iterations < maxIterations) {
    const direction = descent(at.gradient, pairs);
    // Before anything is known of the curvature, a step of length one at most.
    const first = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(dot(at.gradient, at.gradient))) : 1;
    const next = await search(evaluate, x, at, direction, first);
    if (!next) break;
    const s = next.x.map((value, i) => value - x[i]);
    const y = next.at.gradient.map((value, i) => value - at.gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 0) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    ({ x, at } = next);
    iterations++;
  }
  return { x, ...at, iterations, converged: largest(at.gradient) <= tolerance };
}

/** -H gradient, H the inverse Hessian as the pairs tell it (two-loop recursion). */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.map((value) => -value);
  const alphas: number[] = [];
  for (const { s, y, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(s, q);
    addScaled(q, -alpha, y);
    alphas.unshift(alpha);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.rho * dot(newest.y, newest.y));
    q.forEach((value, i) => (q[i] = value * scale));
  }
  pairs.forEach(({ s, y, rho }, i) => addScaled(q, alphas[i] - rho * dot(y, q), s));
  return q;
}

/** A step along `direction` that meets the weak Wolfe conditions, by bisection and doubling (Lewis and Overton, 2013). */
async function search(
  evaluate: (x: Float64Array) => Evaluated | Promise<Evaluated>,
  from: Float64Array,
  { value, gradient }: Evaluated,
  direction: Float64Array,
  first: number,
): Promise<{ x: Float64Array; at: Evaluated } | undefined> {
  const slope = dot(gradient, direction);
  // Near the minimum the decrease drowns in the rounding of the value itself.
  const rounding = 4 * Number.EPSILON * Math.abs(value);
  let step = first;
  let low = 0;
  let high = Infinity;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const x = from.map((start, i) => start + step * direction[i]);
    const at = await evaluate(x);
    if (!(at.value <= value + DECREASE * step * slope + rounding)) high = step;
    else if (dot(at.gradient, direction) < CURVATURE * slope) low = step;
    else return { x, at };
    step = high === Infinity ? 2 * low : (low + high) / 2;
  }
  return undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(target: Float64Array, factor: number, other: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * other[i];
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
