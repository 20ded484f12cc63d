import { formatCount } from '../base/units.ts';
import type { PlanRecord } from '../record/load.ts';

/** "1 connection", "50 connections". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** "once", "3 times". */
export function times(count: number): string {
  return count === 1 ? 'once' : `${Math.round(count)} times`;
}

/** Whose the other end of a connection is: what it does may be the target's doing, or a proxy's on the way. */
export function peerName({ proxy }: Pick<PlanRecord, 'proxy'>): string {
  if (!proxy) return 'the server';
  return proxy.isTunnel ? 'the server or the proxy' : 'the proxy';
}
