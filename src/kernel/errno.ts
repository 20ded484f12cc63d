import { constants } from 'node:os';

/** errno numbers of asm-generic/errno.h; the same on x86-64 and arm64. */
export const ERRNO = constants.errno;

const nameByNumber = new Map<number, string>();
for (const [name, number] of Object.entries(ERRNO)) {
  // EAGAIN and EWOULDBLOCK share a number, as do a few others: the first, better known name wins.
  if (!nameByNumber.has(number)) nameByNumber.set(number, name);
}

/** 11 → "EAGAIN"; an unknown number → "errno 512". */
export function errnoName(errno: number): string {
  return nameByNumber.get(errno) ?? `errno ${errno}`;
}

/** "EAGAIN" → 11; 0 for a word that is no errno's name. */
export function errnoOf(name: string): number {
  return Object.hasOwn(ERRNO, name) ? ERRNO[name as keyof typeof ERRNO] : 0;
}
