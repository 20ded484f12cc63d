/** What the rules of servers that answer nobody have in common. */
import { formatCount } from '../base/units.ts';
import type { OutcomeCounts } from '../record/load.ts';
import type { WatchFacts } from './facts/facts.ts';
import { HINDRANCE } from './limits.ts';
import { plural } from './words.ts';

/** A loop that lost so much of its time, or had none left, is why. */
export function isHeldUp({ excess, saturation }: WatchFacts): boolean {
  return saturation.proven || excess.worstLoopShare >= HINDRANCE.lostShare;
}

/** "8 requests timed out, 4 were under way at the end, 48 were never sent". */
export function unansweredText({ timeout, unfinished, unsent }: OutcomeCounts): string {
  const parts: [count: number, what: string][] = [
    [timeout, 'timed out'],
    [unfinished, 'had none when the run ended'],
    [unsent, 'never sent'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what], i) => `${i === 0 ? plural(count, 'request') : formatCount(count)} ${what}`)
    .join(', ');
}
