import { formatCount } from '../base/units.ts';

/** "1 connection", "50 connections". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** "once", "3 times". */
export function times(count: number): string {
  return count === 1 ? 'once' : `${Math.round(count)} times`;
}
