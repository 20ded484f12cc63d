import { formatNs, formatShare } from '../../base/units.ts';
import { blockedEvidence, mainCall, meanDelayNs } from '../blocked.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** The loop read, wrote or opened a file and slept uninterruptibly for it: there is no non-blocking file I/O. */
export const ioDisk = {
  culprit: 'io.disk',
  title: 'the loop waited for a disk in a file call',
  order: 100,
  judge: (facts) =>
    judgeByLostTime(facts, 'io.disk', (tally, watch) => {
      const call = mainCall(tally);
      const loop = tally.worstLoop?.name ?? 'the loop';
      const { diskBusyShare } = watch.host;
      return {
        headline: `${loop} stood still in ${call?.name ?? 'a file call'}, ${formatNs(meanDelayNs(tally))} at a time`,
        evidence: [
          ...blockedEvidence(tally),
          ...(diskBusyShare === null
            ? []
            : [
                fact(
                  'disk_busy_share',
                  diskBusyShare,
                  'share',
                  `Disks were busy ${formatShare(diskBusyShare)} of the time.`,
                ),
              ]),
        ],
        advice: [
          'hand file I/O to a thread pool (nginx: aio threads)',
          'buffer or move logs (access_log … buffer=, syslog, tmpfs); enlarge buffers that spill to temporary files',
          'find who else loads the disk (iotop, io.stat) and limit it (io.max, ionice)',
        ],
      };
    }),
} satisfies Rule;
