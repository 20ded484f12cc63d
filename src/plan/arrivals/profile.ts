/** A rate over a time. */
export type RateSpan = {
  /** At the beginning; may be 0 in a ramp. */
  ratePerSec: number;
  /** At the end; the rate changes evenly until then. Default: the rate at the beginning. */
  toRatePerSec?: number;
  durationNs: number;
};

/**
 * How many requests a rate makes due by when: Λ(t) = ∫ rate, with a rate that is constant or changes evenly. A process
 * that places its arrivals on the count axis and asks for their times follows a ramp without knowing of it.
 */
export type Profile = {
  /** Λ at the end: not a whole number. */
  readonly total: number;
  /** Λ(t), for t within the duration. */
  countAt(atNs: number): number;
  /** Λ⁻¹: when so many have become due; never past the duration. Allocates nothing. */
  atCountNs(count: number): number;
};

export function createProfile(options: RateSpan): Profile {
  const { ratePerSec, toRatePerSec = ratePerSec, durationNs } = options;
  const total = ((ratePerSec + toRatePerSec) / 2) * (durationNs / 1e9);
  if (toRatePerSec === ratePerSec) {
    const gapNs = 1e9 / ratePerSec;
    return {
      total,
      countAt: (atNs) => atNs / gapNs,
      // By multiplication: a sum of gaps would drift.
      atCountNs: (count) => Math.min(durationNs, count * gapNs),
    };
  }
  const start = ratePerSec / 1e9;
  const slope = (toRatePerSec - ratePerSec) / 1e9 / durationNs;
  return {
    total,
    countAt: (atNs) => atNs * (start + (slope * atNs) / 2),
    // The root of slope/2 t² + start t = count, in the form that loses no digits when the slope is small.
    atCountNs: (count) => {
      if (count <= 0) return 0;
      const rateThen = Math.sqrt(Math.max(0, start * start + 2 * slope * count));
      return Math.min(durationNs, (2 * count) / (start + rateThen));
    },
  };
}
