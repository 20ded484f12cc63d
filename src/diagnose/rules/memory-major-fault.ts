import { formatNs } from '../../base/units.ts';
import { blockedEvidence, meanDelayNs } from '../blocked.ts';
import { sumBy } from '../facts/numbers.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** The loop touched memory that had to be read from storage first: swapped out, or dropped from the page cache. */
export const memoryMajorFault = {
  culprit: 'memory.major-fault',
  title: 'the loop waited for its own memory to be read from disk',
  order: 110,
  judge: (facts) =>
    judgeByLostTime(facts, 'memory.major-fault', (tally, watch) => {
      const stalls = new Set(tally.slices.flatMap((slice) => slice.stallIndex ?? []));
      const faults = sumBy([...stalls], (index) => watch.record.stalls[index]!.majorFaults);
      const loop = tally.worstLoop?.name ?? 'the loop';
      return {
        headline: `${loop} waited for pages of its own memory, ${formatNs(meanDelayNs(tally))} at a time`,
        evidence: [
          fact('major_faults', faults, 'faults', `${faults} major faults in ${stalls.size} stalls.`),
          ...blockedEvidence(tally),
        ],
        advice: [
          'keep the server’s memory in RAM: mlockall, memory.min, or no swap',
          'stop what pushes its pages out (a backup or a copy that fills the page cache)',
        ],
      };
    }),
} satisfies Rule;
