/** Rhythms in a series of counts: what a timer, or clients in step, leave in a stream of arrivals. */

export const SEGMENT = 1024;

/**
 * Power of each frequency 1…SEGMENT/2 (in cycles a segment), as the mean over whole segments of SEGMENT counts: |Σ c
 * e^−iωt|² ÷ Σ c. Independent arrivals have 1 at every frequency. Index 0 is not used. Null for less than one segment.
 */
export function arrivalSpectrum(counts: readonly number[]): Float64Array | null {
  const segments = Math.floor(counts.length / SEGMENT);
  let total = 0;
  for (let i = 0; i < segments * SEGMENT; i++) total += counts[i]!;
  if (segments === 0 || total === 0) return null;
  const power = new Float64Array(SEGMENT / 2 + 1);
  const real = new Float64Array(SEGMENT);
  const imaginary = new Float64Array(SEGMENT);
  for (let s = 0; s < segments; s++) {
    let sum = 0;
    for (let i = 0; i < SEGMENT; i++) sum += counts[s * SEGMENT + i]!;
    for (let i = 0; i < SEGMENT; i++) real[i] = counts[s * SEGMENT + i]! - sum / SEGMENT;
    imaginary.fill(0);
    transform(real, imaginary);
    for (let k = 1; k < power.length; k++) power[k]! += real[k]! ** 2 + imaginary[k]! ** 2;
  }
  for (let k = 1; k < power.length; k++) power[k]! /= total;
  return power;
}

export type Rhythm = {
  /** In counts: the period of the strongest rhythm. */
  period: number;
  /** Its power above that of the usual frequency, with what was asked for taken off. */
  power: number;
  /** The share of arrivals that would have to come exactly in step to make it. */
  share: number;
};

/** Slower than this many cycles a segment is not a rhythm but a drift. */
const SLOWEST = 4;

/** The strongest rhythm of `sent` that `planned` lacks. Null when there are fewer than two segments, or no arrivals. */
export function strongestRhythm(sent: readonly number[], planned: readonly number[] | null): Rhythm | null {
  const segments = Math.floor(sent.length / SEGMENT);
  const spectrum = arrivalSpectrum(sent);
  if (segments < 2 || spectrum === null) return null;
  const asked = planned === null ? null : arrivalSpectrum(planned);
  const excess = spectrum.subarray(SLOWEST).map((power, i) => power - (asked?.[i + SLOWEST] ?? 1));
  let best = 0;
  for (let i = 1; i < excess.length; i++) if (excess[i]! > excess[best]!) best = i;
  // A single burst lifts all frequencies alike; a rhythm stands out.
  const usual = excess.toSorted()[excess.length >> 1]!;
  const power = Math.max(0, excess[best]! - Math.max(0, usual));
  let total = 0;
  for (let i = 0; i < segments * SEGMENT; i++) total += sent[i]!;
  // All in step, a segment's arrivals add up to their number, and its power is that number.
  return {
    period: SEGMENT / (best + SLOWEST),
    power,
    share: Math.min(1, Math.sqrt((power * segments) / total)),
  };
}

/** Fast Fourier transform in place, radix 2; lengths are powers of two. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(real, i, j);
      swap(imaginary, i, j);
    }
  }
  for (let length = 2; length <= n; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((-2 * Math.PI * k) / length);
      const sine = Math.sin((-2 * Math.PI * k) / length);
      for (let start = 0; start < n; start += length) {
        const a = start + k;
        const b = a + half;
        const x = real[b]! * cosine - imaginary[b]! * sine;
        const y = real[b]! * sine + imaginary[b]! * cosine;
        real[b] = real[a]! - x;
        imaginary[b] = imaginary[a]! - y;
        real[a]! += x;
        imaginary[a]! += y;
      }
    }
  }
}

function swap(array: Float64Array, i: number, j: number): void {
  const kept = array[i]!;
  array[i] = array[j]!;
  array[j] = kept;
}
