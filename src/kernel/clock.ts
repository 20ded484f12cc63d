/**
 * CLOCK_MONOTONIC straight from the vDSO: the clock of bpf_ktime_get_ns() and perf, to the nanosecond. clock_gettime(2)
 *
 * createClock of base reads the same clock through performance.now(), which makes a heap number at each call and knows
 * its offset only to within a few hundred ns. Threads that read the time for each request use this one.
 */
import type { Clock } from '../base/clock.ts';
import { __kernel_timespec } from './abi/time.ts';
import { addressOf, clockGettime, offHeap } from './libc.ts';

const CLOCK_MONOTONIC = 1n;
/** As CLOCK_MONOTONIC, but it goes on while the machine is suspended. */
const CLOCK_BOOTTIME = 7n;
const SECONDS_WORD = __kernel_timespec.at.tv_sec / 4;
const NANOSECONDS_WORD = __kernel_timespec.at.tv_nsec / 4;

/** A clock anchored now, or at a given anchor so that worker threads share one origin. One per thread. */
export function createMonotonicClock(anchor?: { startMonoNs: bigint; startWallMs: number }): Clock {
  const startMonoNs = anchor?.startMonoNs ?? process.hrtime.bigint();
  const startWallMs = anchor?.startWallMs ?? Date.now();
  const startSeconds = Number(startMonoNs / 1_000_000_000n);
  const startNanoseconds = Number(startMonoNs % 1_000_000_000n);
  // Seconds since boot fit the low word for 136 years.
  const words = new Uint32Array(offHeap(__kernel_timespec.byteLength).buffer);
  const address = addressOf(words);
  return {
    startMonoNs,
    startWallMs,
    nowNs() {
      clockGettime(CLOCK_MONOTONIC, address);
      return (words[SECONDS_WORD]! - startSeconds) * 1e9 + (words[NANOSECONDS_WORD]! - startNanoseconds);
    },
  };
}

/** How long the machine has been suspended since it was started, ns, to within a few µs: BOOTTIME less MONOTONIC. */
export function createSuspensionClock(): () => number {
  const words = new Uint32Array(offHeap(__kernel_timespec.byteLength).buffer);
  const address = addressOf(words);
  const read = (clock: bigint) => {
    clockGettime(clock, address);
    return words[SECONDS_WORD]! * 1e9 + words[NANOSECONDS_WORD]!;
  };
  return () => {
    const monoNs = read(CLOCK_MONOTONIC);
    return Math.max(0, read(CLOCK_BOOTTIME) - monoNs);
  };
}
