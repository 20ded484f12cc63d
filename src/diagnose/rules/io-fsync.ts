import { formatNs } from '../../base/units.ts';
import { blockedEvidence, mainCall, meanDelayNs } from '../blocked.ts';
import { judgeByLostTime, type Rule } from '../rule.ts';

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
        evidence: blockedEvidence(tally),
        advice: [
          'move fsync to another thread or process',
          'sync less often, or batch writes into one sync (Redis: appendfsync everysec, no-appendfsync-on-rewrite)',
          'use a device with a protected write cache, or keep the file off busy disks',
        ],
      };
    }),
} satisfies Rule;
