/** Where a run's warm-up ends. */
import { studentTwoSided } from './special.ts';

/**
 * MSER (White 1997): the number of values at the beginning whose removal makes the standard error of the mean of the
 * rest smallest, at most half of them. With `batch` 5 it is MSER-5: values are averaged in fives first. Whole batches.
 */
export function mser(series: readonly number[], batch: number): number {
  const means: number[] = [];
  for (let i = 0; i + batch <= series.length; i += batch) {
    means.push(series.slice(i, i + batch).reduce((sum, value) => sum + value, 0) / batch);
  }
  const n = means.length;
  let sum = 0;
  let squares = 0;
  let best = Number.POSITIVE_INFINITY;
  let cut = 0;
  for (let d = n - 1; d >= 0; d--) {
    sum += means[d]!;
    squares += means[d]! * means[d]!;
    const left = n - d;
    if (d > n / 2 || left < 2) continue;
    const error = Math.max(0, squares - (sum * sum) / left) / (left * left);
    // <=: of equal ones the shortest warm-up.
    if (error <= best) {
      best = error;
      cut = d;
    }
  }
  return cut * batch;
}

export type Warmup = {
  /** Values at the beginning that are unlike the rest; 0 when none is, or chance could have made them so. */
  count: number;
  /** Mean of their logarithms less that of the rest. */
  logStep: number;
  /** Two-sided probability of such a step at a place fixed beforehand. */
  p: number;
};

/** MSER alone cuts off something of most series, at a place chosen for looking odd; this far from chance it must be. */
const P_MAX = 0.002;

/** Standard deviations within which a value is like the rest. */
const ALIKE = 3;

/**
 * The warm-up of a series of positive values: MSER-5 when there are at least ten batches, else MSER. What it cuts off
 * beyond the last odd value is given back.
 */
export function findWarmup(series: readonly number[]): Warmup {
  const none = { count: 0, logStep: 0, p: 1 };
  if (series.length < 5 || series.some((value) => !(value > 0))) return none;
  const cut = mser(series, series.length >= 50 ? 5 : 1);
  if (cut === 0 || series.length - cut < 4) return none;
  const logs = series.map(Math.log);
  const count = lastOdd(logs, cut);
  if (count === 0) return none;
  const rest = logs.length - count;
  const first = momentsOf(logs.slice(0, count));
  const later = momentsOf(logs.slice(count));
  // Of a climb or fall only the rest tells how large the noise is.
  const noise = later.squares / (rest - 1);
  const logStep = first.mean - later.mean;
  const error = Math.sqrt(noise * (1 / count + 1 / rest));
  const p = error > 0 ? studentTwoSided(logStep / error, rest - 1) : logStep === 0 ? 1 : 0;
  return p < P_MAX ? { count, logStep, p } : none;
}

/** How many of the first `cut` values there are up to the last one unlike those after the cut. */
function lastOdd(logs: readonly number[], cut: number): number {
  const rest = momentsOf(logs.slice(cut));
  const reach = ALIKE * Math.sqrt(rest.squares / (logs.length - cut - 1));
  for (let count = cut; count > 0; count--) {
    if (Math.abs(logs[count - 1]! - rest.mean) > reach) return count;
  }
  return 0;
}

function momentsOf(values: readonly number[]): { mean: number; squares: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}
