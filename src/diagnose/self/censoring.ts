import { formatQuantile, formatShare } from '../../base/units.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { type Check, skip } from '../self-check.ts';
import { timesOf } from '../statistics/quantile-interval.ts';
import { plural } from '../words.ts';

/** The share of the tail that a reader expects to be measured: up to the p99. */
const TAIL = 0.01;

/** Requests without an answer are not dropped: they took at least their age, and percentiles among them say so. */
export const censoring = {
  name: 'censoring',
  title: 'unanswered requests are counted as slow',
  judge({ load }) {
    if (!load) return null;
    const { answered, never, count } = timesOf(load.record.total, 'response');
    if (count === 0) return skip('no request was sent');
    const share = ratio(never.totalCount, count);
    const base = { value: share, unit: 'share', limit: TAIL };
    const errors = amount(load.record.counts.error);
    const lost =
      errors > 0
        ? `; ${plural(errors, 'error')} ${errors === 1 ? 'has no time and is' : 'have no time and are'} not among them`
        : '';
    if (never.totalCount === 0)
      return { ...base, verdict: 'PASS', text: `every time was measured to its end${lost}` };
    const which =
      answered.totalCount > 0
        ? `percentiles above ${formatQuantile(answered.totalCount / count)} say`
        : 'every percentile says';
    const text = `${plural(never.totalCount, 'request')} (${formatShare(share)}) never got an answer: ${which} “at least”${lost}`;
    return { ...base, verdict: share > TAIL ? 'WARN' : 'PASS', text };
  },
} satisfies Check;
