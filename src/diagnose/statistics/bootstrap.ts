/** How far a figure of one run may be off, by drawing its own seconds anew. */
import type { Prng } from '../../base/prng.ts';
import { bucketHighNs, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';
import { countOf, type TimeBlock } from './block-series.ts';

/**
 * Moving-block bootstrap of a quantile: `draws` resamples, each of as many blocks, taken as runs of neighbouring ones
 * (circular), so that what lasts longer than a block stays together. Requests without an answer count as slower than
 * all others; a draw whose quantile falls among them is Infinity. Ascending. Empty when there is nothing to draw.
 */
export function bootstrapQuantileNs(
  series: readonly TimeBlock[],
  q: number,
  prng: Prng,
  draws = 400,
): Float64Array {
  const blocks = series.filter((block) => countOf(block) > 0);
  if (blocks.length === 0) return new Float64Array(0);
  const length = Math.max(1, Math.round(Math.cbrt(blocks.length)));
  const counts = new Float64Array(HISTOGRAM_BUCKETS);
  const results = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    counts.fill(0);
    let total = 0;
    for (let taken = 0; taken < blocks.length; taken += length) {
      const start = prng.below(blocks.length);
      for (let i = 0; i < Math.min(length, blocks.length - taken); i++) {
        const block = blocks[(start + i) % blocks.length]!;
        const { buckets, counts: own } = block.answered;
        for (let k = 0; k < buckets.length; k++) counts[buckets[k]!]! += own[k]!;
        total += countOf(block);
      }
    }
    results[draw] = quantileOf(counts, Math.max(1, Math.ceil(q * total - 1e-9 * total)));
  }
  return results.sort();
}

function quantileOf(counts: Float64Array, rank: number): number {
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    seen += counts[bucket]!;
    if (seen >= rank) return bucketHighNs(bucket);
  }
  return Number.POSITIVE_INFINITY;
}

/** The middle `share` of ascending draws. */
export function middleOf(draws: Float64Array, share = 0.95): { low: number; high: number } {
  const at = (p: number) =>
    draws[Math.min(draws.length - 1, Math.max(0, Math.round(p * (draws.length - 1))))]!;
  return { low: at((1 - share) / 2), high: at((1 + share) / 2) };
}
