/** Seeded pseudo-random numbers: sfc32, 128 bits of state, period about 2^64, passes PractRand. Not for secrets. */
export type Prng = {
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, bound). bound ≤ 2^32. */
  below(bound: number): number;
  /** Exponential with the given mean; never 0 exactly, never infinite. */
  exponential(mean: number): number;
};

/** A generator whose whole sequence follows from the 32-bit seed. Different streams: add a distinct stream number. */
export function createPrng(seed: number, stream = 0): Prng {
  let a = seed >>> 0;
  let b = stream >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  function next32(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }
  for (let i = 0; i < 16; i++) next32();
  return {
    next: () => next32() / 4294967296,
    below: (bound) => Math.floor((next32() / 4294967296) * bound),
    exponential: (mean) => -Math.log((next32() + 1) / 4294967297) * mean,
  };
}
