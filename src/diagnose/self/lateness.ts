import { formatNs, formatShare } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { absenceText, isServerStill, waitsText } from '../hindrances.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { plural } from '../words.ts';
import { isStarved } from './client-state.ts';
import { percent, tailQuantile } from './sample-size.ts';

/** How late the tool sent, against what it reports: at the 99th percentile, or the highest that so few carry. */
export const lateness = {
  name: 'lateness',
  title: 'requests were sent on time',
  judge({ load }) {
    if (!load) return null;
    if (!load.open) return skip('closed loop: nothing is due at a time of its own');
    if (!load.lateness || !load.responseOrWorse) return skip('no request was answered');
    const q = tailQuantile(load.responseOrWorse.count);
    if (q === null) return skip(`too few requests to tell (${load.responseOrWorse.count})`);
    const lateNs = load.lateness.quantileNs(q);
    const responseNs = load.responseOrWorse.quantileNs(q);
    const share = responseNs > 0 ? Math.min(1, lateNs / responseNs) : 0;
    const at = `p${percent(q)}`;
    const text = `sends were ${formatNs(lateNs)} late at ${at}, ${formatShare(share)} of the ${at} response time`;
    const base = { value: share, unit: 'share' };
    if (share < SELF.latenessWarn || lateNs < SELF.latenessWarnFloorNs) {
      return { ...base, limit: SELF.latenessWarn, verdict: 'PASS', text };
    }
    const { main } = load.hindrances;
    if (main === 'noConnection' || main === 'predecessor') {
      const why = `${text}: ${waitsText(load.hindrances)}; response times include it, service times do not`;
      return { ...base, limit: SELF.latenessWarn, verdict: 'WARN', text: why };
    }
    const isServers = !isStarved(load) || isServerStill(load.hindrances);
    if (load.poolDry && (main === null || main === 'allTaken') && isServers) {
      const { connectionCount } = load.record.plan;
      const waited =
        connectionCount === 1
          ? 'the only connection was taken at times'
          : `all of ${plural(connectionCount, 'connection')} were taken at times`;
      const why = `${text}: ${waited}, so requests waited for a free one; response times include it, service times do not`;
      return { ...base, limit: SELF.latenessWarn, verdict: 'WARN', text: why };
    }
    if (share >= SELF.latenessVoid && lateNs >= SELF.latenessVoidFloorNs) {
      const told = text + (stoodStill(load) ?? hint(load, lateNs));
      return {
        ...base,
        limit: SELF.latenessVoid,
        verdict: 'VOID',
        text: told,
        spoils: ['response', 'service'],
      };
    }
    return { ...base, limit: SELF.latenessWarn, verdict: 'WARN', text: text + hint(load, lateNs) };
  },
} satisfies Check;

/** It was the client that did not run: for how long, if for long. */
function stoodStill({ record, hindrances: { main, absence } }: LoadFacts): string | null {
  if (main === 'suspended') return ': the machine was suspended';
  if (main !== 'clientAway') return null;
  return absence ? `: ${absenceText(record, absence)}` : null;
}

/** Where sleeps end as late as sends left, not sleeping helps. */
function hint({ record }: LoadFacts, lateNs: number): string {
  const sleepsLate = record.client.timerOversleepNsP99 >= lateNs / 2;
  return sleepsLate && record.plan.spin !== true
    ? '; sleeps end late on this machine: --spin avoids them'
    : '';
}
