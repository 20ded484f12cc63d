import { printable } from '../../base/printable.ts';
import { formatNs, formatShare } from '../../base/units.ts';
import type { ThrottleFacts } from '../facts/host.ts';
import type { Evidence } from '../finding.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** The CPU quota of a cgroup ran out, so the loop waited for the next period though it had work. */
export const cpuThrottled = {
  culprit: 'cpu.throttled',
  title: 'a CPU quota stopped the loop',
  order: 60,
  judge(facts) {
    const { watch } = facts;
    const throttle = watch ? worst([...watch.throttles.values()]) : null;
    return judgeByLostTime(
      facts,
      'cpu.throttled',
      (tally) => {
        const path = printable(throttle?.path ?? '', 80);
        const quota = throttle?.quotaCpus ? ` of ${throttle.quotaCpus.toFixed(2)} CPUs` : '';
        return {
          headline: `the CPU quota${quota} of cgroup ${path} stopped ${tally.worstLoop?.name ?? 'the loop'}`,
          evidence: throttle ? evidenceOf(throttle) : [],
          advice: [
            'raise or remove the quota (cpu.max, Kubernetes limits.cpu)',
            'allow bursts: cpu.max.burst',
            'run no more busy threads in the group than the quota has CPUs',
          ],
        };
      },
      {
        fromCounters: true,
        innocent: throttle
          ? `throttled for ${formatNs(throttle.throttledNs)}, ${formatShare(throttle.share)} of the run-queue delay`
          : 'no cgroup of a loop was throttled',
      },
    );
  },
} satisfies Rule;

function worst(throttles: readonly ThrottleFacts[]): ThrottleFacts | null {
  return throttles.reduce<ThrottleFacts | null>(
    (a, b) => (a && a.throttledNs >= b.throttledNs ? a : b),
    null,
  );
}

function evidenceOf(throttle: ThrottleFacts): Evidence[] {
  return [
    fact(
      'throttled_time',
      throttle.throttledNs,
      'ns',
      `cgroup ${printable(throttle.path, 80)} was throttled ${formatNs(throttle.throttledNs)} in ` +
        `${throttle.throttledCount} of ${throttle.periodCount} periods.`,
    ),
    fact(
      'throttled_share_of_run_delay',
      throttle.share,
      'share',
      `That accounts for ${formatShare(throttle.share)} of the ${formatNs(throttle.runDelayNs)} its loops were ` +
        'runnable without running.',
    ),
  ];
}
