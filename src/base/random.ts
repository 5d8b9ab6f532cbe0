/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 *
 * A stream is named, not advanced: `new Random(seed, 'augment', epoch, index)` gives the same numbers in any order, on any
 * worker, and adding a stream changes no other.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const low = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(low / 0x10000)) >>> 0;
}

/** One Philox4x32-10 block: encrypts `counter` (4 words) under `key` (2 words) in place. */
export function philox(counter: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

const utf8 = new TextEncoder();

/** 64 bits of a name (FNV-1a in two lanes), so that strings can be part of a key. */
function hashName(name: string): [number, number] {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const byte of utf8.encode(name)) {
    a = Math.imul(a ^ byte, 0x01000193) >>> 0;
    b = Math.imul(b ^ byte, 0x85ebca6b) >>> 0;
  }
  return [a, b];
}

/** A stream of random numbers named by a seed and any strings and integers. */
export class Random {
  private readonly key0: number;
  private readonly key1: number;
  private counter = 0;
  private readonly block = new Uint32Array(4);
  private used = 4;
  private spareNormal: number | null = null;

  constructor(seed: number, ...name: readonly (string | number)[]) {
    // Each part of the name is absorbed by one block cipher call, so ('a', 'bc') and ('ab', 'c') differ.
    let key: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
    for (const part of name) {
      const [low, high] =
        typeof part === 'string' ? hashName(part) : [part >>> 0, Math.floor(part / 2 ** 32) >>> 0];
      const mixed = Uint32Array.of(low, high, typeof part === 'string' ? 1 : 0, name.length);
      philox(mixed, key[0], key[1]);
      key = [mixed[0], mixed[1]];
    }
    [this.key0, this.key1] = key;
  }

  /** Uniform in [0, 2^32). */
  nextUint32(): number {
    if (this.used === 4) {
      this.block[0] = this.counter >>> 0;
      this.block[1] = Math.floor(this.counter / 2 ** 32) >>> 0;
      this.block[2] = 0;
      this.block[3] = 0;
      philox(this.block, this.key0, this.key1);
      this.counter++;
      this.used = 0;
    }
    return this.block[this.used++];
  }

  /** Uniform in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** Uniform integer in [0, n), n <= 2^32, without modulo bias beyond 2^-32. */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    if (this.spareNormal !== null) {
      const spare = this.spareNormal;
      this.spareNormal = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log((this.nextUint32() + 1) / 2 ** 32));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Gamma(a, 1), a > 0, by Marsaglia and Tsang (2000); below 1 from Gamma(a + 1) times U^(1/a). */
  gamma(a: number): number {
    if (a < 1) return this.gamma(a + 1) * (1 - this.uniform()) ** (1 / a);
    const d = a - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
    }
  }

  /** Beta(a, a), a > 0, in [0, 1]. */
  beta(a: number): number {
    const x = this.gamma(a);
    const y = this.gamma(a);
    // both may underflow for a tiny a, where the mass lies at the ends
    return x + y > 0 ? x / (x + y) : Math.round(this.uniform());
  }

  /** A random order of 0 .. n-1 (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}
