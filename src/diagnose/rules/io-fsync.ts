import { formatNs, formatShare } from '../../base/units.ts';
import { blockedEvidence, mainCall, meanDelayNs } from '../blocked.ts';
import type { CauseTally } from '../facts/excess.ts';
import { ratio, sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** The loop itself waited for storage to confirm a write. */
export const ioFsync = {
  culprit: 'io.fsync',
  title: 'the loop waited for fsync or its like',
  order: 120,
  judge: (facts) =>
    judgeByLostTime(facts, 'io.fsync', (tally) => {
      const call = mainCall(tally);
      const loop = tally.worstLoop?.name ?? 'the loop';
      return {
        headline: `${loop} stood still in ${call?.name ?? 'fsync'}, ${formatNs(meanDelayNs(tally))} at a time`,
        evidence: [...blockedEvidence(tally), ...cpuEvidence(tally)],
        advice: [
          'move fsync to another thread or process',
          'sync less often, or batch writes into one sync (Redis: appendfsync everysec, no-appendfsync-on-rewrite)',
          'use a device with a protected write cache, or keep the file off busy disks',
        ],
      };
    }),
} satisfies Rule;

/** Putting the bytes into the page cache is CPU time, and part of the same job. */
function cpuEvidence(tally: CauseTally): Evidence[] {
  const cpuNs = sumBy(tally.slices, (slice) => (slice.blocked ? 0 : slice.ns));
  const share = ratio(cpuNs, tally.lostNs);
  if (share < 0.05) return [];
  const text = `${formatNs(cpuNs)} (${formatShare(share)} of this) is CPU time in the same turns’ writes and syncs.`;
  return [fact('write_cpu', cpuNs, 'ns', text)];
}
