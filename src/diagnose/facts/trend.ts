export type Trend = {
  /** Two-sided probability of so much order in a series without trend. */
  p: number;
  /** Median of the slopes between all pairs (Theil–Sen). */
  slopePerStep: number;
  median: number;
};

/** Longer series are thinned to this many points: the test is quadratic. */
const LENGTH_MAX = 600;

/** Mann–Kendall test for a monotonic trend, normal approximation with continuity and tie correction. */
export function mannKendall(series: readonly number[]): Trend {
  const step = Math.ceil(series.length / LENGTH_MAX);
  const values = step <= 1 ? [...series] : series.filter((_, index) => index % step === 0);
  const n = values.length;
  let s = 0;
  const slopes: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const difference = values[j]! - values[i]!;
      s += Math.sign(difference);
      slopes.push(difference / ((j - i) * Math.max(1, step)));
    }
  }
  const variance = (n * (n - 1) * (2 * n + 5) - tieTerm(values)) / 18;
  const z = variance > 0 && s !== 0 ? (Math.abs(s) - 1) / Math.sqrt(variance) : 0;
  return { p: 2 * normalTail(z), slopePerStep: medianOf(slopes), median: medianOf(values) };
}

function tieTerm(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let term = 0;
  for (const t of counts.values()) term += t * (t - 1) * (2 * t + 5);
  return term;
}

function medianOf(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** P(Z > z) for z ≥ 0; Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.min(0.5, density * poly);
}
