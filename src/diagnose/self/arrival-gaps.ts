import { printable } from '../../base/printable.ts';
import { formatNs } from '../../base/units.ts';
import { bucketHighNs, bucketLowNs } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import type { SparseHistogram } from '../../record/sparse-histogram.ts';
import type { LoadFacts } from '../facts/load.ts';
import { heldUpBy } from '../hindrances.ts';
import { SELF } from '../limits.ts';
import { type Check, type CheckResult, skip } from '../self-check.ts';
import { type GapTest, testExponential } from '../statistics/anderson-darling.ts';

/**
 * The gaps between sends, one by one: exponential and independent for Poisson, all alike for constant arrivals. Finds
 * what windows of 10 ms average away: requests released in pairs, or a timer's own step.
 */
export const arrivalGaps = {
  name: 'arrival-gaps',
  title: 'gaps between sends had the distribution asked for',
  judge({ load }) {
    if (!load) return null;
    const arrival = printable(load.record.plan.arrival, 40);
    const { gaps } = load.record.arrivals;
    if (!load.open) return skip('closed loop: gaps follow the replies');
    if (load.replay) return skip('a replay: see replay-gaps');
    if (arrival !== 'poisson' && arrival !== 'constant') return skip(`no rule for the gaps of ${arrival}`);
    if (load.rateChanges) return skip('the planned rate changes over the run, and gaps with it');
    if (!gaps) return skip('not seen: gaps between sends were not recorded');
    const histogram = timesIn(gaps.histogram);
    if (histogram.totalCount < SELF.gapsMinCount) {
      return skip(`too few gaps to judge their distribution (${histogram.totalCount})`);
    }
    const { values, counts, mean } = gapsOf(histogram);
    if (mean < SELF.gapsMinMeanNs) {
      return skip(`gaps of ${formatNs(mean)} on average are finer than a wake-up: see arrival-shape at 1 ms`);
    }
    const found = testExponential({ values, counts });
    if (!found) return skip('all sends came at once');
    return arrival === 'poisson'
      ? judgePoisson(load, found, gaps.lag1, histogram.totalCount)
      : judgeConstant(load, found, mean);
  },
} satisfies Check;

/** Each bucket stands for its middle. */
function gapsOf({ buckets, counts, totalCount }: SparseHistogram) {
  const values = Array.from(buckets, (bucket) => (bucketLowNs(bucket) + bucketHighNs(bucket)) / 2);
  const sum = values.reduce((total, value, i) => total + value * counts[i]!, 0);
  return { values, counts: [...counts], mean: sum / totalCount };
}

function judgePoisson(load: LoadFacts, found: GapTest, lag1: number | null, count: number): CheckResult {
  const correlated = lag1 === null ? '' : `; each with the next ${lag1.toFixed(3)} correlated`;
  const text =
    `gaps are ${found.distance.toFixed(2)} standard deviations from exponential ones ` +
    `(Anderson–Darling A² = ${found.statistic.toPrecision(3)}, p ${found.p < 0.001 ? '< 0.001' : `= ${found.p.toPrecision(2)}`})${correlated}`;
  const base = { value: found.distance, unit: 'ratio', limit: SELF.gapsDistance };
  const odd = found.p < SELF.gapsP && found.distance > SELF.gapsDistance;
  // Four standard deviations of chance, 1/√n each.
  const follows = lag1 !== null && Math.abs(lag1) > Math.max(SELF.gapsLag1, 4 / Math.sqrt(count));
  if (!odd && !follows) return { ...base, verdict: 'PASS', text };
  if (!odd) {
    const why = `${text}: independent users have none`;
    return { value: Math.abs(lag1!), unit: 'ratio', limit: SELF.gapsLag1, verdict: 'WARN', text: why };
  }
  return { ...base, verdict: 'WARN', text: `${text}${whyOf(load)}` };
}

function judgeConstant(load: LoadFacts, found: GapTest, mean: number): CheckResult {
  const deviationNs = found.variation * mean;
  const text = `gaps of ${formatNs(mean)} differ by ${formatNs(deviationNs)} (standard deviation)`;
  const base = { value: found.variation, unit: 'ratio', limit: SELF.gapsVariation, text };
  const uneven = found.variation > SELF.gapsVariation && deviationNs >= SELF.gapsDeviationNs;
  return uneven ? { ...base, verdict: 'WARN', text: `${text}${whyOf(load)}` } : { ...base, verdict: 'PASS' };
}

function whyOf(load: LoadFacts): string {
  const why = heldUpBy(load);
  return why === null ? ': the client sent otherwise than asked' : `: ${why}, and sends followed that`;
}
