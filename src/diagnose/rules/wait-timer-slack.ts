import { greatestOf } from '../../base/extremes.ts';
import { formatNs } from '../../base/units.ts';
import type { Rule } from '../rule.ts';

/**
 * A suppression, not a verdict: the kernel may end a timed wait late by max(timer slack, 0.1 % of the timeout),
 * up to 100 ms (fs/select.c). Waits within that are taken out before anything else is judged.
 */
export const waitTimerSlack = {
  culprit: 'wait.timer-slack',
  title: 'timed waits ended late, within the kernel’s legal slack',
  order: 40,
  judge({ watch }) {
    if (watch?.record.tier !== 'bpf') return null;
    const timeouts = watch.loops.reduce((sum, loop) => sum + loop.timeoutCount, 0);
    const { withinSlackCount } = watch.excess;
    if (timeouts === 0 && withinSlackCount === 0) return { cleared: 'no wait ended by its timeout' };
    const worst = greatestOf(watch.loops.map((loop) => loop.overshootNsP99 ?? 0));
    const late = withinSlackCount > 0 ? `${withinSlackCount} late waits were within their slack; ` : '';
    return {
      cleared: `${late}${timeouts} waits timed out, at p99 ${formatNs(worst)} later than their slack allows`,
    };
  },
} satisfies Rule;
