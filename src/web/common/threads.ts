/** How many threads a runtime in WebAssembly is started with. */

/** More than this gains nothing, and each takes memory: a browser may say any number. */
const MOST = 16;

/** What of a page's or a worker's scope is asked. */
export interface ThreadScope {
  readonly crossOriginIsolated?: boolean;
  readonly SharedArrayBuffer?: unknown;
  readonly Worker?: unknown;
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

export interface Threads {
  readonly count: number;
  /** why it is one where the device has more, in words */
  readonly reason: string | null;
}

/** The device's threads where memory can be shared among them, else one; `asked` overrides the device's own number. */
export function threadsOf(scope: ThreadScope, asked?: number): Threads {
  const device = asked ?? scope.navigator?.hardwareConcurrency ?? 1;
  const count = Number.isSafeInteger(device) && device >= 1 ? Math.min(device, MOST) : 1;
  if (count === 1) return { count, reason: null };
  if (scope.crossOriginIsolated !== true || scope.SharedArrayBuffer === undefined)
    return { count: 1, reason: 'the page is not isolated (its server sends no COOP and COEP headers)' };
  if (scope.Worker === undefined) return { count: 1, reason: 'this browser has no workers here' };
  return { count, reason: null };
}
