/** A sleep that blocks the calling thread, for planted faults: never for waiting. */
import { __NR_clock_nanosleep } from './abi/syscall-numbers.ts';
import { ERRNO } from './errno.ts';
import { offHeap, syscall } from './libc.ts';
import { syscallError } from './syscall-error.ts';

/** include/uapi/linux/time.h */
const CLOCK_MONOTONIC = 1;
const TIMER_ABSTIME = 1;
const NS_PER_S = 1_000_000_000n;

/** Sleeps at least `ns`, to an absolute end so that a signal's interruption does not lengthen it. clock_nanosleep(2) */
export function sleepBlockingNs(ns: number): void {
  const endNs = process.hrtime.bigint() + BigInt(Math.round(ns));
  const until = offHeap(16);
  const words = new BigInt64Array(until.buffer, 0, 2);
  words[0] = endNs / NS_PER_S;
  words[1] = endNs % NS_PER_S;
  for (;;) {
    const result = syscall(__NR_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, until, 0);
    if (result === 0) return;
    if (result !== -ERRNO.EINTR) throw syscallError('clock_nanosleep', -result);
  }
}
