/** What the rules about blocked time share: naming the call, its descriptor and who ended the wait. */
import { printable } from '../base/printable.ts';
import { formatNs, formatShare } from '../base/units.ts';
import { stopPhrase } from '../record/stops.ts';
import { actorName } from './facts/actors.ts';
import type { CauseTally } from './facts/excess.ts';
import { ratio, sumBy } from './facts/numbers.ts';
import { type CallTime, topCalls } from './facts/who.ts';
import type { Evidence } from './finding.ts';
import { fact } from './rule.ts';
import { times } from './words.ts';

/** One sentence for each of the three longest calls, then the kernel stack of the first. */
export function blockedEvidence(tally: CauseTally): Evidence[] {
  const calls = topCalls(tally.slices);
  const evidence = calls.slice(0, 3).map((call) => callEvidence(call, tally));
  const stack = calls[0]?.example.kernelStack ?? [];
  if (stack.length > 0) {
    const frames = stack.slice(0, 6).map((frame) => printable(frame, 60));
    evidence.push(fact('kernel_stack', frames.join(' < '), '', `Kernel stack: ${frames.join(' < ')}.`));
  }
  return evidence;
}

function callEvidence(time: CallTime, tally: CauseTally): Evidence {
  const { example } = time;
  const state = example.uninterruptible ? ' (uninterruptible)' : '';
  const share = ratio(time.ns, tally.lostNs);
  const stop = stopPhrase(time.call);
  const waker = example.waker ? `; ${stop ? 'let go on' : 'woken'} by ${actorName(example.waker)}` : '';
  if (stop !== null) {
    const text = `${stop} ${times(time.count)} for ${formatNs(time.ns)} (${formatShare(share)} of this)${waker}.`;
    return fact('blocked_in', time.call, '', text[0]!.toUpperCase() + text.slice(1));
  }
  return fact(
    'blocked_in',
    printable(time.call, 40),
    '',
    `Blocked in ${callName(time)}${state} ${times(time.count)} for ${formatNs(time.ns)} ` +
      `(${formatShare(share)} of this)${waker}.`,
  );
}

/** "fsync on /var/log/x (fd 7)" or "clock_nanosleep". */
export function callName({ call, example }: CallTime): string {
  const name = printable(call, 40);
  const fd = example.fd === null ? '' : ` (fd ${example.fd})`;
  if (example.fdPath !== null && example.fdPath !== '')
    return `${name} on ${printable(example.fdPath, 100)}${fd}`;
  return `${name}${fd}`;
}

/** The longest call, by name, and its share: what a headline needs. */
export function mainCall(tally: CauseTally): { name: string; time: CallTime } | null {
  const time = topCalls(tally.slices)[0];
  return time ? { name: callName(time), time } : null;
}

/** Mean time of one delay. */
export function meanDelayNs(tally: CauseTally): number {
  return sumBy(tally.slices, (slice) => slice.ns) / Math.max(1, tally.count);
}
