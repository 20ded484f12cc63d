import { formatCount, formatNs } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';
import type { Check } from '../self-check.ts';
import { estimateRun, type QuantileEstimate } from '../statistics/quantile-interval.ts';
import { plural } from '../words.ts';

const QUANTILES = [0.5, 0.9, 0.99, 0.999, 0.9999] as const;

/** The quantiles that n samples can carry: at least ten samples lie beyond each. */
export function supportedQuantiles(sampleCount: number): number[] {
  return QUANTILES.filter((q) => sampleCount * (1 - q) >= SELF.samplesBeyond - 1e-6);
}

/** The quantile that a check of the tail looks at: p99, or the highest below it that n samples carry. Null below 20. */
export function tailQuantile(sampleCount: number): number | null {
  return supportedQuantiles(sampleCount).findLast((q) => q <= 0.99) ?? null;
}

/** A p99.9 from 500 requests is a rumour; so is one from 5000 requests that came in five clumps. */
export const sampleSize = {
  name: 'sample-size',
  title: 'enough requests for each quantile',
  judge({ load }) {
    if (!load) return null;
    const count = load.responseOrWorse?.count ?? 0;
    const highest = supportedQuantiles(count).at(-1);
    const limit = SELF.samplesBeyond / (1 - 0.99);
    if (highest === undefined) {
      // Few are few, not wrong: their longest and their mean stand, and no quantile is told of them.
      const text =
        count === 0
          ? 'no request was answered'
          : `${plural(count, 'request')}, too few for any quantile (a median needs 20)${meanText(load)}`;
      return { value: count, unit: 'requests', limit: 20, isLeast: true, verdict: 'WARN', text };
    }
    const estimates = estimateRun(load.record, 'response', QUANTILES, load.series);
    const carried = estimates.filter((estimate) => estimate.supported).at(-1);
    const p99 = estimates[QUANTILES.indexOf(0.99)]!;
    const base = { value: Math.floor(p99.effectiveCount), unit: 'requests', limit, isLeast: true };
    const carry = carried ? `quantiles up to p${percent(carried.q)}` : 'no quantile for certain';
    const text = worthOf(count, p99, load, carry);
    if (carried && carried.q >= 0.99)
      return { ...base, verdict: 'PASS', text: `${text}; ${intervalOf(p99)}` };
    return { ...base, verdict: 'WARN', text: `${text}: p99 needs 1000 independent ones` };
  },
} satisfies Check;

/** ": 204 µs on average, 1.20 ms at most"; empty when nothing was answered. */
export function meanText({ response, responseOrWorse }: LoadFacts): string {
  if (!response) return '';
  const isWhole = response.count === responseOrWorse?.count;
  const most = isWhole ? `, ${formatNs(response.quantileNs(1))} at most` : '';
  return `: ${formatNs(response.meanNs)} on average${most}`;
}

function worthOf(
  count: number,
  { designEffect, effectiveCount }: QuantileEstimate,
  load: LoadFacts,
  carry: string,
): string {
  const all = `${formatCount(count)} requests`;
  if (designEffect === null) {
    const unseen = `whether they depend on each other was not seen in ${load.seconds.length} s`;
    return `${all} carry ${carry} (${unseen})`;
  }
  if (designEffect <= 1) return `${all} vary as independent ones do at p99, and carry ${carry}`;
  const worth = formatCount(Math.floor(effectiveCount));
  return `${all} tell as much as ${worth} independent ones at p99, and carry ${carry}`;
}

function intervalOf({ atLeast, valueNs, lowNs, highNs, highAtLeast }: QuantileEstimate): string {
  const value = `${atLeast ? '≥ ' : ''}${formatNs(valueNs)}`;
  return `p99 ${value} [${formatNs(lowNs)}, ${highAtLeast ? '≥ ' : ''}${formatNs(highNs)}] at 95 %`;
}

/** 0.999 → 99.9 */
export function percent(q: number): number {
  return Number((q * 100).toFixed(2));
}
