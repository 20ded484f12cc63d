/**
 * The Anderson–Darling test of gaps against the exponential distribution that a Poisson process has. The mean is taken
 * from the gaps themselves, since a schedule fixes how many there are; the null distribution is that of this case.
 */

/** Ascending values with how often each occurred: a sorted sample, or the buckets of a histogram. */
export type Weighted = { values: ArrayLike<number>; counts: ArrayLike<number> };

export type GapTest = {
  /** A²: n × the weighted square of the distance between the two distribution functions. */
  statistic: number;
  /** Probability of so large a statistic for exponential gaps. */
  p: number;
  /**
   * √(A² ÷ n) without what chance adds: the distance in standard deviations of one gap, whatever n is. About 0.7 for
   * constant gaps; 0.2 is ten percentage points at the median.
   */
  distance: number;
  /** Standard deviation ÷ mean: 1 for exponential gaps, 0 for constant ones. */
  variation: number;
};

/** A² of exponential gaps is about this large by chance (Stephens 1974, case of an unknown scale). */
const MEAN_BY_CHANCE = 0.6;

/** The shortest gap told from 0, in means. */
const GAP_MIN = 1e-9;

/** Null without at least 20 gaps of which some are above 0. */
export function testExponential({ values, counts }: Weighted): GapTest | null {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    n += counts[i]!;
    sum += counts[i]! * values[i]!;
    squares += counts[i]! * values[i]! * values[i]!;
  }
  if (n < 20 || !(sum > 0)) return null;
  const mean = sum / n;
  const statistic = n * weightedDistance(values, counts, n, mean);
  const variation = Math.sqrt(Math.max(0, squares / n - mean * mean)) / mean;
  const distance = Math.sqrt(Math.max(0, statistic - MEAN_BY_CHANCE) / n);
  return { statistic, p: exponentialTail(statistic * (1 + 0.6 / n)), distance, variation };
}

/**
 * ∫ (Fₙ − F)² ÷ (F (1 − F)) dF. Fₙ is constant between two values, where with u = F the integral is
 * −u + c² ln u − (1 − c)² ln (1 − u).
 */
function weightedDistance(
  values: ArrayLike<number>,
  counts: ArrayLike<number>,
  n: number,
  mean: number,
): number {
  let total = 0;
  let below = 0;
  // 1 − u is kept beside u: for long gaps it is far smaller than the rounding of u.
  let u = 0;
  let above = 1;
  for (let i = 0; i < values.length; i++) {
    if (counts[i] === 0) continue;
    // No gap is exactly 0: a clock of finite steps only shows it so, and the distance would be infinite.
    const gap = Math.max(values[i]! / mean, GAP_MIN);
    const nextAbove = Math.exp(-gap);
    const nextU = -Math.expm1(-gap);
    total += piece(below / n, u, above, nextU, nextAbove);
    below += counts[i]!;
    u = nextU;
    above = nextAbove;
  }
  // Beyond the longest gap c is 1.
  return total + (u > 0 ? -above - Math.log(u) : 0);
}

function piece(c: number, u: number, above: number, nextU: number, nextAbove: number): number {
  if (nextU <= u) return 0;
  const rest = 1 - c;
  const left = c === 0 || u === 0 ? 0 : c * c * Math.log(nextU / u);
  const right = rest === 0 || nextAbove === 0 ? 0 : rest * rest * Math.log(nextAbove / above);
  return -(nextU - u) + left - right;
}

/** P(A² > a) of a sample of exponential values with unknown scale. D’Agostino and Stephens 1986, table 4.14. */
export function exponentialTail(a: number): number {
  if (a < 0.26) return 1 - Math.exp(-12.2204 + 67.459 * a - 110.3 * a * a);
  if (a < 0.51) return 1 - Math.exp(-6.1327 + 20.218 * a - 18.663 * a * a);
  if (a < 0.95) return Math.exp(0.9209 - 3.353 * a + 0.3 * a * a);
  if (a < 10.03) return Math.exp(0.731 - 3.009 * a + 0.15 * a * a);
  return 0;
}
