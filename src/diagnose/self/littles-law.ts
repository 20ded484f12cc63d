import { NS_PER_S } from '../../base/units.ts';
import { amount } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** L = λW: an independent count of requests in flight must agree with the latency histogram. */
export const littlesLaw = {
  name: 'littles-law',
  title: 'in-flight count agrees with throughput × time',
  judge({ load }) {
    if (!load) return null;
    const { record, service } = load;
    const spanNs = record.endNs - Math.max(record.startNs, record.measuredFromNs);
    if (!service || service.count < SELF.littlesLawMinCount || !(spanNs >= NS_PER_S))
      return skip('too few replies');
    const { counts } = record;
    if (record.plan.arrival === 'synced') return skip('sent in batches, in flight is counted once a batch');
    if (
      amount(counts.timeout) + amount(counts.unfinished) + amount(counts.unsent) + amount(counts.error) >
      0.001 * service.count
    ) {
      return skip('some requests got no reply, so the two counts cover different requests');
    }
    const counted = record.inFlight.mean;
    const expected = (service.count / (spanNs / NS_PER_S)) * (service.meanNs / NS_PER_S);
    if (Math.max(counted, expected) < SELF.littlesLawMinInFlight)
      return skip('too few requests in flight at once');
    const off = Math.abs(counted - expected) / Math.max(counted, expected);
    return {
      verdict: off <= SELF.littlesLaw ? 'PASS' : 'WARN',
      value: off,
      unit: 'share',
      limit: SELF.littlesLaw,
      text: `${counted.toFixed(2)} requests in flight on average; throughput × service time gives ${expected.toFixed(2)}`,
    };
  },
} satisfies Check;
