import { formatCount } from '../../base/units.ts';
import { amount } from '../facts/numbers.ts';
import type { Check } from '../self-check.ts';

/** What the observer saw but could not keep. */
export const observerLosses = {
  name: 'observer-losses',
  title: 'nothing seen was lost',
  judge({ watch }) {
    if (!watch) return null;
    const { losses } = watch.record;
    const kinds: [count: number, what: string][] = [
      [losses.ringBufferDrops, 'events found the ring buffer full'],
      [losses.mapFullDrops, 'events found a map full'],
      [losses.stallsNotKept, 'stalls were counted but not kept'],
      [losses.decodeErrors, 'events could not be read'],
    ];
    const lost = kinds.filter(([count]) => amount(count) > 0);
    const total = lost.reduce((sum, [count]) => sum + amount(count), 0);
    const base = { value: total, unit: 'events', limit: 0 };
    if (total === 0) return { ...base, verdict: 'PASS', text: 'no event was lost' };
    const text = lost.map(([count, what]) => `${formatCount(count)} ${what}`).join('; ');
    return { ...base, verdict: 'WARN', text: `${text}: the account is a sample` };
  },
} satisfies Check;
