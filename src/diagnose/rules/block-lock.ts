import { formatNs } from '../../base/units.ts';
import { blockedEvidence, mainCall, meanDelayNs } from '../blocked.ts';
import { actorName } from '../facts/actors.ts';
import { judgeByLostTime, type Rule } from '../rule.ts';

/** Another thread held a lock that the loop needed. */
export const blockLock = {
  culprit: 'block.lock',
  title: 'the loop waited for a lock',
  order: 130,
  judge: (facts) =>
    judgeByLostTime(facts, 'block.lock', (tally) => {
      const call = mainCall(tally);
      const waker = call?.time.example.waker ?? null;
      const loop = tally.worstLoop?.name ?? 'the loop';
      const holder = waker ? `, released by ${actorName(waker)}` : '';
      return {
        headline: `${loop} waited for a lock (${call?.name ?? 'futex'}${holder}), ${formatNs(meanDelayNs(tally))} at a time`,
        evidence: blockedEvidence(tally),
        advice: [
          'shorten what the other thread does under the lock, or try the lock and come back later',
          'split the data so that each loop owns its part',
          'when the kernel stack shows mmap_lock: map and unmap less in other threads',
        ],
      };
    }),
} satisfies Rule;
