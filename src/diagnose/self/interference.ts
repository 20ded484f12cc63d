import { formatNs, formatShare } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import type { Check } from '../self-check.ts';

/** Loops kept waiting by loopscope's own threads, which share the machine with what they measure. */
export const interference = {
  name: 'interference',
  title: 'the tool did not stand in the server’s way',
  judge({ watch }) {
    if (!watch) return null;
    const own = watch.excess.tallies.get('self');
    const share = own?.worstLoopShare ?? 0;
    const base = { value: share, unit: 'share', limit: SELF.interference };
    if (!own?.worstLoop) {
      return { ...base, verdict: 'PASS', text: 'no stall was behind the tool’s own threads' };
    }
    const text =
      `${own.worstLoop.name} lost ${formatShare(share)} of its time (${formatNs(own.lostNs)} in all loops) queueing ` +
      'behind the tool’s own threads';
    if (share < SELF.interference) return { ...base, verdict: 'PASS', text };
    return { ...base, verdict: 'WARN', text: `${text}: drive from other CPUs, or from another machine` };
  },
} satisfies Check;
