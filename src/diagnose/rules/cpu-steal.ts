import { formatNs, formatShare } from '../../base/units.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** The hypervisor ran something else: the guest's clock went on, its CPU did not. */
export const cpuSteal = {
  culprit: 'cpu.steal',
  title: 'the hypervisor took the CPU away',
  order: 50,
  judge: (facts) =>
    judgeByLostTime(facts, 'cpu.steal', (tally, watch) => {
      const { stealShare } = watch.host;
      const machine = facts.run.header.environment.hypervisor;
      return {
        headline: `the hypervisor took ${formatShare(tally.worstLoopShare)} of the time of ${
          tally.worstLoop?.name ?? 'the loop'
        }: not the server’s doing`,
        evidence: [
          fact(
            'steal',
            tally.lostNs,
            'ns',
            `Steal stretched ${tally.count} stalls by ${formatNs(tally.lostNs)}.`,
          ),
          ...(stealShare === null
            ? []
            : [
                fact(
                  'host_steal_share',
                  stealShare,
                  'share',
                  `/proc/stat counts ${formatShare(stealShare)} of all CPU time as stolen.`,
                ),
              ]),
        ],
        advice: [
          'move to a host with less contention, or to dedicated virtual CPUs',
          'send the provider these numbers with their times',
        ],
        atMost: machine === null ? 'low' : 'high',
      };
    }),
} satisfies Rule;
