import { formatNs, formatShare } from '../../base/units.ts';
import { actorName } from '../facts/actors.ts';
import { tallyOf, tallySlices } from '../facts/excess.ts';
import { topActors } from '../facts/who.ts';
import { SELF } from '../limits.ts';
import type { Check } from '../self-check.ts';

/** The host's own noise on the loops: other processes, kernel threads, the hypervisor. Below a verdict, still said. */
export const hostNoise = {
  name: 'host-noise',
  title: 'the host was quiet',
  judge({ watch }) {
    if (!watch) return null;
    const { excess, loops, host } = watch;
    const causes = ['cpu.contended', 'cpu.preempted', 'cpu.kernel-thread', 'cpu.steal'] as const;
    const slices = tallyOf(excess, ...causes).flatMap((tally) => tally.slices);
    const noise = tallySlices('open.residual', slices, loops, excess.lostNs);
    const share = noise.worstLoopShare;
    const base = { value: share, unit: 'share', limit: SELF.hostNoise };
    const stolen = host.stealShare ?? 0;
    const steal = stolen >= 0.001 ? `; the hypervisor took ${formatShare(stolen)} of all CPU time` : '';
    const quiet = share < SELF.hostNoise && stolen < 2 * SELF.hostNoise;
    if (noise.lostNs === 0) {
      const text = `no stall was the host’s doing${steal}`;
      return { ...base, verdict: quiet ? 'PASS' : 'WARN', text };
    }
    const who = topActors(slices)
      .slice(0, 3)
      .map(({ actor }) => actorName(actor));
    const names = who.length > 0 ? `, to ${who.join(', ')}` : '';
    const text =
      `loops lost ${formatNs(noise.lostNs)} in ${noise.count} delays to the rest of the host${names} ` +
      `(${formatShare(share)} of the worst loop’s time)${steal}`;
    return { ...base, verdict: quiet ? 'PASS' : 'WARN', text };
  },
} satisfies Check;
