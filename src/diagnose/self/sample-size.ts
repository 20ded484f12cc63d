import { formatCount } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import { type Check, EVERY_PERCENTILE } from '../self-check.ts';

const QUANTILES = [0.5, 0.9, 0.99, 0.999, 0.9999] as const;

/** The quantiles that n samples can carry: at least ten samples lie beyond each. */
export function supportedQuantiles(sampleCount: number): number[] {
  return QUANTILES.filter((q) => sampleCount * (1 - q) >= SELF.samplesBeyond - 1e-6);
}

/** A p99.9 from 500 requests is a rumour. */
export const sampleSize = {
  name: 'sample-size',
  title: 'enough requests for each quantile',
  judge({ load }) {
    if (!load) return null;
    const count = load.responseOrWorse?.count ?? 0;
    const supported = supportedQuantiles(count);
    const limit = SELF.samplesBeyond / (1 - 0.99);
    const base = { value: count, unit: 'requests', limit };
    const highest = supported.at(-1);
    if (highest === undefined) {
      const text = `${count} requests carry no quantile: a median needs 20`;
      return { ...base, limit: 20, verdict: 'VOID', text, spoils: EVERY_PERCENTILE };
    }
    const text = `${formatCount(count)} requests carry quantiles up to p${Number((highest * 100).toFixed(2))}`;
    if (highest >= 0.99) return { ...base, verdict: 'PASS', text };
    return { ...base, verdict: 'WARN', text: `${text}: p99 needs 1000` };
  },
} satisfies Check;
