import { formatShare } from '../../base/units.ts';
import type { SecondFacts } from '../facts/load.ts';
import { mannKendall } from '../facts/trend.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** A percentile of a run that drifts describes no moment of it. Judged after the warm-up, which has a check of its own. */
export const stationarity = {
  name: 'stationarity',
  title: 'the run did not drift',
  judge({ load }) {
    if (!load) return null;
    if (load.rateChanges) return skip('the planned rate itself changes over the run');
    const seconds = load.seconds.filter((second) => second.p50Ns !== null).slice(load.warmup.count);
    const count = seconds.length;
    if (count < SELF.trendMinBlocks) return skip(`too short to tell a trend: ${count} seconds`);
    const trends = (['p50', 'p99'] as const).map((name) => ({ name, ...trendOf(seconds, name) }));
    const worst = trends.reduce((a, b) => (Number(b.drifts) > Number(a.drifts) || b.p < a.p ? b : a));
    const base = { value: worst.change, unit: 'share', limit: SELF.trendChange };
    if (!trends.some((trend) => trend.drifts)) {
      return { ...base, verdict: 'PASS', text: `no trend over ${count} seconds` };
    }
    const drifting = trends.find((trend) => trend.drifts)!;
    const way = drifting.change > 0 ? 'rose' : 'fell';
    return {
      ...base,
      value: drifting.change,
      verdict: 'WARN',
      text:
        `the ${drifting.name} response time ${way} by ${formatShare(Math.abs(drifting.change))} over the run ` +
        `(Mann–Kendall p = ${drifting.p.toPrecision(2)}): a longer warm-up, or a server that degrades`,
    };
  },
} satisfies Check;

function trendOf(seconds: readonly SecondFacts[], name: 'p50' | 'p99') {
  const values = seconds.flatMap((second) => (name === 'p50' ? second.p50Ns : second.p99Ns) ?? []);
  const { p, slopePerStep, median } = mannKendall(values);
  const changeNs = slopePerStep * (values.length - 1);
  const change = median > 0 ? changeNs / median : 0;
  const drifts =
    p < SELF.trendP && Math.abs(change) > SELF.trendChange && Math.abs(changeNs) > SELF.trendMinNs;
  return { p, change, drifts };
}
