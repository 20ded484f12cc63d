/** Whether two small groups of numbers differ: one number a run. */
import type { Prng } from '../../base/prng.ts';
import { studentQuantile, studentTwoSided } from './special.ts';

export type Difference = {
  /** Mean of b less mean of a. */
  estimate: number;
  /** 95 % interval of the difference of the means. */
  low: number;
  high: number;
  /** Two-sided. */
  p: number;
};

/** Welch's test: the groups may vary differently. Null unless each has two values. */
export function welch(a: readonly number[], b: readonly number[]): Difference | null {
  if (a.length < 2 || b.length < 2) return null;
  const first = momentsOf(a);
  const second = momentsOf(b);
  const va = first.variance / a.length;
  const vb = second.variance / b.length;
  const estimate = second.mean - first.mean;
  const error = Math.sqrt(va + vb);
  if (error === 0) return { estimate, low: estimate, high: estimate, p: estimate === 0 ? 1 : 0 };
  // Welch–Satterthwaite.
  const degrees = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  const reach = studentQuantile(0.05, degrees) * error;
  return {
    estimate,
    low: estimate - reach,
    high: estimate + reach,
    p: studentTwoSided(estimate / error, degrees),
  };
}

/**
 * Where one value lies among earlier ones: its difference from their mean, with what that may be by chance (Student's
 * prediction interval, which for one value more is wider than that of the mean). `low` and `high` enclose 0 when the value
 * is as the others. `leastDeviation`: values cannot be known better than this, however alike they are. Null unless there
 * are two earlier values.
 */
export function predict(
  earlier: readonly number[],
  value: number,
  leastDeviation: number,
): Difference | null {
  if (earlier.length < 2) return null;
  const { mean, variance } = momentsOf(earlier);
  const estimate = value - mean;
  const deviation = Math.max(Math.sqrt(variance), leastDeviation);
  const error = deviation * Math.sqrt(1 + 1 / earlier.length);
  const reach = studentQuantile(0.05, earlier.length - 1) * error;
  return {
    estimate,
    low: estimate - reach,
    high: estimate + reach,
    p: studentTwoSided(estimate / error, earlier.length - 1),
  };
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

const EXACT_MAX = 20_000;

/**
 * Two-sided permutation test of the difference of means: how often do the same numbers, dealt out anew, differ as much?
 * All deals when there are at most 20 000 of them, else that many at random.
 */
export function permutationP(a: readonly number[], b: readonly number[], prng: Prng): number {
  const all = [...a, ...b];
  const total = all.reduce((sum, value) => sum + value, 0);
  const scale = Math.max(...all.map(Math.abs), Number.MIN_VALUE);
  const differenceOf = (sum: number) => Math.abs(sum / a.length - (total - sum) / b.length);
  // Sums of the same numbers in another order differ in the last bits.
  const observed = differenceOf(a.reduce((sum, value) => sum + value, 0)) - 1e-9 * scale;
  if (choose(all.length, a.length) <= EXACT_MAX) {
    let deals = 0;
    let asLarge = 0;
    for (const sum of sumsOf(all, a.length)) {
      deals++;
      if (differenceOf(sum) >= observed) asLarge++;
    }
    return asLarge / deals;
  }
  let asLarge = 1;
  for (let i = 0; i < EXACT_MAX; i++) {
    let sum = 0;
    for (let k = 0; k < a.length; k++) {
      const pick = k + prng.below(all.length - k);
      const kept = all[k]!;
      all[k] = all[pick]!;
      all[pick] = kept;
      sum += all[k]!;
    }
    if (differenceOf(sum) >= observed) asLarge++;
  }
  return asLarge / (EXACT_MAX + 1);
}

/** The sums of every choice of `size` of the values. */
function* sumsOf(values: readonly number[], size: number, from = 0, sum = 0): Generator<number> {
  if (size === 0) {
    yield sum;
    return;
  }
  for (let i = from; i <= values.length - size; i++) yield* sumsOf(values, size - 1, i + 1, sum + values[i]!);
}

function choose(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways *= (n - k + i) / i;
  return ways;
}

/** Holm's correction: p values of several tests at once, in the given order. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, index) => ({ p, index })).sort((x, y) => x.p - y.p);
  const adjusted = new Array<number>(ps.length);
  let least = 0;
  order.forEach(({ p, index }, rank) => {
    least = Math.max(least, Math.min(1, p * (ps.length - rank)));
    adjusted[index] = least;
  });
  return adjusted;
}
