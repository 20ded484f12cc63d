/** What a load thread cost: its own CPU time, the wait for a CPU, garbage collection, and how late its timers are. */
import { readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { gettid } from '../../kernel/process.ts';

export type ThreadCost = {
  tid: number;
  userNs: number;
  systemNs: number;
  runDelayNs: number;
  /** Of V8's heap, garbage or not; what lies outside it, as large buffers do, is not counted. */
  allocatedBytes: number;
};

/** Starts the account of the calling thread; the function returned ends it. */
export function beginThreadCost(): () => ThreadCost {
  const cpu = process.threadCpuUsage();
  const runDelayNs = readRunDelayNs();
  const allocatedBytes = readAllocatedBytes();
  return () => {
    const used = process.threadCpuUsage(cpu);
    return {
      tid: gettid(),
      userNs: used.user * 1e3,
      systemNs: used.system * 1e3,
      runDelayNs: Math.max(0, readRunDelayNs() - runDelayNs),
      allocatedBytes: Math.max(0, readAllocatedBytes() - allocatedBytes),
    };
  };
}

/** Newer than the types that we have of Node. */
function readAllocatedBytes(): number {
  const { total_allocated_bytes } = getHeapStatistics() as { total_allocated_bytes?: number };
  return total_allocated_bytes ?? 0;
}

/** Time runnable but not running: the second field of schedstat (Documentation/scheduler/sched-stats.rst). */
function readRunDelayNs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) || 0;
  } catch {
    return 0; // a kernel without CONFIG_SCHED_INFO
  }
}

/** Pauses of this thread's garbage collector; the account is complete once the thread has been idle for a moment. */
export function watchGarbageCollection(): {
  since(performanceMs: number): Promise<{ ns: number; count: number }>;
} {
  const pauses: { startMs: number; durationMs: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      pauses.push({ startMs: startTime, durationMs: duration });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    async since(performanceMs) {
      // Entries are delivered by the thread's event loop, which did not run while the load did.
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
      observer.disconnect();
      const counted = pauses.filter(({ startMs }) => startMs >= performanceMs);
      const ns = counted.reduce((sum, { durationMs }) => sum + durationMs * 1e6, 0);
      return { ns, count: counted.length };
    },
  };
}

const SLEEP_MS = 1;
const SLEEP_COUNT = 40;

/** How much longer than asked a timed wait of the calling thread lasts: the noise floor of everything timed here. */
export function measureOversleep(nowNs: () => number): { p50Ns: number; p99Ns: number } {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const over: number[] = [];
  for (let i = 0; i < SLEEP_COUNT; i++) {
    const before = nowNs();
    Atomics.wait(word, 0, 0, SLEEP_MS);
    over.push(Math.max(0, nowNs() - before - SLEEP_MS * 1e6));
  }
  over.sort((a, b) => a - b);
  return { p50Ns: over[SLEEP_COUNT >> 1]!, p99Ns: over[SLEEP_COUNT - 1]! };
}
