/**
 * Waits that are over without the thread having a CPU, seen from /proc: while the scheduler probes are not armed nobody
 * tells of a wake-up, and one that is starved for good would never be heard of. Few threads are looked at each time.
 */
import { readStat } from '../../kernel/proc/process-stat.ts';
import { readSchedstat } from '../../kernel/proc/schedstat.ts';
import type { LoopRecord } from '../../record/observation.ts';
import { stall_event } from '../probes/layouts.ts';
import type { LateWake } from './open-turn.ts';

/** Some 10 µs each. */
const LOOKS_PER_ROUND = 4;
const NOTHING_CHARGED = new Uint8Array(stall_event.byteLength);

export type QueuedWaits = ReturnType<typeof createQueuedWaits>;

export function createQueuedWaits(nowMonoNs: () => bigint) {
  const since = new Map<number, { startMonoNs: bigint; cpuNs: number }>();
  let round = 0;
  let stride = 1;
  return {
    /** Before the looks of a round. */
    begin(loopCount: number): void {
      round++;
      stride = Math.max(1, Math.ceil(loopCount / LOOKS_PER_ROUND));
    },
    /** Of a loop that made no turn since the last round and is in its wait: late since it was first seen to be. */
    look({ loopIndex, pid, tid }: LoopRecord): LateWake | null {
      if (!since.has(loopIndex) && loopIndex % stride !== round % stride) return null;
      const stat = readStat(pid, tid);
      if (stat?.state !== 'R') {
        since.delete(loopIndex);
        return null;
      }
      const now = nowMonoNs();
      const cpuNs = readSchedstat(pid, tid)?.cpuNs ?? 0;
      const first = since.get(loopIndex) ?? { startMonoNs: now, cpuNs };
      since.set(loopIndex, first);
      const { startMonoNs } = first;
      // A wait that polls its device or ring keeps its CPU busy: it has one.
      if (cpuNs - first.cpuNs > Number(now - startMonoNs) / 2) return null;
      return {
        kind: 'wait',
        startMonoNs,
        timeoutNs: null,
        cpu: stat.lastCpu,
        owner: { isThrottled: false, holder: null },
        stall: NOTHING_CHARGED,
      };
    },
    forget: (loopIndex: number) => void since.delete(loopIndex),
  };
}
