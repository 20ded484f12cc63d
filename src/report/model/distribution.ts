import { decodeSparse } from '../../record/histogram-text.ts';
import {
  mergeSparse,
  NO_TIMES,
  type SparseHistogram,
  sparseQuantile,
} from '../../record/sparse-histogram.ts';

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
  const answers = sum(answered);
  const ages = sum(censored);
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

function sum(texts: readonly string[]): SparseHistogram {
  return mergeSparse(
    texts.map((text) => {
      try {
        return decodeSparse(text);
      } catch {
        // Damaged: shown as not measured. The run-file reader is where damage is reported.
        return NO_TIMES;
      }
    }),
  );
}
