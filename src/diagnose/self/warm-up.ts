import { formatNs, formatShare } from '../../base/units.ts';
import { mergeSparse, NO_TIMES, sparseQuantile } from '../../record/sparse-histogram.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { secondsOf } from '../statistics/block-series.ts';
import { plural } from '../words.ts';

/** What the plan leaves out at the beginning, and whether it was enough. Figures are never dropped without a word. */
export const warmUp = {
  name: 'warm-up',
  title: 'the beginning was left out',
  judge({ load }) {
    if (!load) return null;
    const leftOutNs = amount(load.record.measuredFromNs - load.record.startNs);
    const leftOut = `the first ${formatNs(leftOutNs)} were left out`;
    const measured = load.seconds.length;
    if (measured < SELF.trendMinBlocks) return skip(`${leftOut}; too short to tell whether that is enough`);
    if (load.rateChanges)
      return skip(`${leftOut}; the planned rate changes over the run, so nothing tells its beginning`);
    const { count } = load.warmup;
    const base = { value: count, unit: 'seconds', limit: 0 };
    if (count === 0 || load.series.length !== measured) {
      return {
        ...base,
        value: 0,
        verdict: 'PASS',
        text: `${leftOut}; the rest begins as it goes on (MSER on p90)`,
      };
    }
    const withNs = p99Of(load, 0);
    const withoutNs = p99Of(load, count);
    const change = withoutNs > 0 ? withNs / withoutNs - 1 : 0;
    const text =
      `${leftOut}; by MSER on the p90 of each second, ${plural(count, 'second')} more belong to the warm-up: the p99 ` +
      `is ${formatNs(withNs)} with, ${formatNs(withoutNs)} without`;
    if (Math.abs(change) <= SELF.warmupChange || Math.abs(withNs - withoutNs) <= SELF.trendMinNs) {
      return { ...base, verdict: 'PASS', text: `${text} (${formatShare(Math.abs(change))})` };
    }
    // What would have to be typed: whole seconds, those left out already among them.
    const seconds = Math.ceil((leftOutNs + warmupNs(load)) / 1e9);
    return { ...base, verdict: 'WARN', text: `${text}; repeat with --warmup ${seconds}s` };
  },
} satisfies Check;

function p99Of(load: LoadFacts, from: number): number {
  const times = mergeSparse(load.series.slice(from).map((block) => block.answered));
  return sparseQuantile(times, NO_TIMES, 0.99)?.valueNs ?? 0;
}

/** How much time of the measured part the warm-up takes. */
function warmupNs(load: LoadFacts): number {
  const seconds = secondsOf(load.record);
  return amount((seconds[load.warmup.count]?.[0]?.startNs ?? 0) - load.record.measuredFromNs);
}
