import { timesIn } from '../../record/histogram-text.ts';
import { mergeSparse, sparseQuantile } from '../../record/sparse-histogram.ts';

/** A value that may be only a lower bound, because it falls among requests that never got an answer. */
export type Quantile = { ns: number; atLeast: boolean };

/** Answered requests and the ages of unanswered ones, as one distribution of times in ns. */
export type Distribution = {
  count: number;
  /** How many of `count` are ages of requests without an answer. */
  censoredCount: number;
  /** q from 0 to 1; q = 1 is the maximum. */
  quantile(q: number): Quantile;
};

/** Adds encoded histograms bucket by bucket. Null when they are empty, or when none of them can be read. */
export function distributionOf(
  answered: readonly string[],
  censored: readonly string[],
): Distribution | null {
  const answers = mergeSparse(answered.map(timesIn));
  const ages = mergeSparse(censored.map(timesIn));
  const count = answers.totalCount + ages.totalCount;
  if (count === 0) return null;
  return {
    count,
    censoredCount: ages.totalCount,
    quantile(q) {
      const found = sparseQuantile(answers, ages, q)!;
      return { ns: found.valueNs, atLeast: found.atLeast };
    },
  };
}
