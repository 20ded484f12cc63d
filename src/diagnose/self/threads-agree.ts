import { formatNs } from '../../base/units.ts';
import { NO_TIMES, sparseQuantile } from '../../record/sparse-histogram.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { countOf, mergeBlocks } from '../statistics/block-series.ts';

/** Pooling hides a thread of the client that measures something else than the others. */
export const threadsAgree = {
  name: 'threads-agree',
  title: 'all client threads measured the same',
  judge({ load }) {
    if (!load) return null;
    // HdrHistogram with three digits: a bucket is at most 1/1024 of its value wide, and its upper end is told.
    const rounding = 'figures are rounded up by at most 0.1 %';
    const threads = load.threads.map(({ threadIndex, series }) => ({
      threadIndex,
      block: mergeBlocks(series),
    }));
    if (threads.length < 2) return skip(`one client thread; ${rounding}`);
    const measured = threads
      .filter(({ block }) => countOf(block) >= SELF.threadsMinCount)
      .map(({ threadIndex, block }) => ({
        threadIndex,
        p99Ns: sparseQuantile(block.answered, NO_TIMES, 0.99)?.valueNs ?? 0,
      }))
      .sort((a, b) => a.p99Ns - b.p99Ns);
    const best = measured[0];
    const worst = measured.at(-1);
    if (!best || !worst || measured.length < threads.length || best.p99Ns === 0) {
      return skip(`too few requests to compare ${threads.length} client threads`);
    }
    const factor = worst.p99Ns / best.p99Ns;
    const text =
      `p99 of ${measured.length} client threads: ${formatNs(best.p99Ns)} to ${formatNs(worst.p99Ns)} ` +
      `(histograms are added up, never averaged; ${rounding})`;
    const base = { value: factor, unit: 'ratio', limit: SELF.threadsRatio };
    const tiny = worst.p99Ns - best.p99Ns < SELF.trendMinNs;
    if (factor <= SELF.threadsRatio || tiny) return { ...base, verdict: 'PASS', text };
    const why = `thread ${worst.threadIndex} is slower than the rest: its CPU, or its share of the connections`;
    return { ...base, verdict: 'WARN', text: `${text}: ${why}` };
  },
} satisfies Check;
