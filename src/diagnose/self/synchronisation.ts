import { formatNs, formatShare } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { heldUpBy } from '../hindrances.ts';
import { SELF } from '../limits.ts';
import { type Check, type CheckResult, skip } from '../self-check.ts';
import { strongestRhythm } from '../statistics/periodogram.ts';

const MS_NS = 1e6;

/**
 * Requests in step with a timer, or with each other, meet the server together. A rhythm shows as a line in the
 * periodogram of the counts of each ms; without them, as short gaps that are too frequent.
 */
export const synchronisation = {
  name: 'synchronisation',
  title: 'requests came independently of each other',
  judge({ load }) {
    if (!load) return null;
    if (!load.open) return skip('closed loop: requests follow the replies');
    if (load.record.plan.arrival === 'synced') return skip('lock-step was asked for');
    if (load.record.arrivals.sentCount < SELF.idcMinArrivals)
      return skip('too few arrivals to tell a rhythm');
    const { counts1ms } = load.record.arrivals;
    const rhythm = counts1ms ? strongestRhythm(counts1ms.sent, counts1ms.planned) : null;
    if (!rhythm) return judgeShortGaps(load);
    const base = { value: rhythm.share, unit: 'share', limit: SELF.rhythmShare };
    if (rhythm.power < SELF.rhythmPower) {
      const text = `no rhythm from 2 to 256 ms beyond the schedule’s own (power ${rhythm.power.toFixed(1)} at most)`;
      // What is no more than chance is no rhythm.
      return { ...base, value: 0, verdict: 'PASS', text };
    }
    const text =
      `${formatShare(rhythm.share)} of requests came in step, every ${formatNs(rhythm.period * MS_NS)} ` +
      `(power ${rhythm.power.toPrecision(3)}; chance is 1)`;
    if (rhythm.share < SELF.rhythmShare) return { ...base, verdict: 'PASS', text };
    const held = heldUpBy(load);
    const why = held === null ? 'a timer of the client, or of its host' : `${held}, and sends followed that`;
    return { ...base, verdict: 'WARN', text: `${text}: ${why}` };
  },
} satisfies Check;

function judgeShortGaps(load: LoadFacts): CheckResult {
  const { arrival } = load.record.plan;
  if (arrival !== 'poisson' && arrival !== 'constant') {
    return skip('not seen: arrivals of each ms were not recorded, or for less than 2 s');
  }
  const { shortGapShare, shortGapShareIfPoisson, meanRatePerSec } = load.record.arrivals;
  const constantGapNs = meanRatePerSec > 0 ? 1e9 / meanRatePerSec : Number.POSITIVE_INFINITY;
  const expected = arrival === 'poisson' ? shortGapShareIfPoisson : constantGapNs < 150e3 ? 1 : 0;
  const excess = shortGapShare - expected;
  const text = `${formatShare(shortGapShare)} of gaps were below 150 µs, where ${formatShare(expected)} are usual`;
  const base = { value: excess, unit: 'share', limit: SELF.shortGapExcess };
  if (excess <= SELF.shortGapExcess) return { ...base, verdict: 'PASS', text };
  return { ...base, verdict: 'WARN', text: `${text}: requests came in clumps` };
}
