/** Lists the threads to be traced. From then on the programs themselves add what those start. */
import { LoopscopeError } from '../../base/errors.ts';
import { pack } from '../../kernel/abi/layout.ts';
import { addElement } from '../../kernel/bpf/map-walk.ts';
import { offHeap } from '../../kernel/libc.ts';
import { descendants } from '../../kernel/proc/children.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { threadIds } from '../../kernel/proc/threads.ts';
import { task_part } from './layouts.ts';

/** A thread that starts another between two looks is found at the second; more looks than this mean a fork bomb. */
const LOOK_LIMIT = 8;

/** The given processes and, with `follow`, all that descend from them; never Loopscope's own. */
export function processesToTrace(
  pids: readonly number[],
  follow: boolean,
  selfPids: readonly number[],
): number[] {
  const self = new Set(selfPids);
  const found = new Set<number>();
  for (const pid of pids) {
    if (self.has(pid)) continue;
    found.add(pid);
    if (follow) for (const child of descendants(pid, self)) found.add(child);
  }
  return [...found];
}

/**
 * Adds all threads of the processes to the map, and looks again until there is no new one. The fork program must be
 * attached already. Returns how many found no room; throws NO_SUCH_PROCESS when there is not one thread.
 */
export function addThreads(mapFd: number, valueBytes: number, processes: () => number[]): number {
  const value = offHeap(valueBytes);
  const known = new Set<number>();
  let lost = 0;
  for (let look = 0; look < LOOK_LIMIT; look++) {
    const before = known.size;
    for (const pid of processes()) {
      for (const tid of threadIds(pid)) {
        if (known.has(tid)) continue;
        known.add(tid);
        if (!addThread(mapFd, value, pid, tid)) lost++;
      }
    }
    if (known.size === before) break;
  }
  if (known.size === 0) {
    throw new LoopscopeError('NO_SUCH_PROCESS', 'the process ended before it could be traced', 'see ps -e');
  }
  return lost;
}

function addThread(mapFd: number, value: Uint8Array, pid: number, tid: number): boolean {
  value.fill(0);
  pack(value, task_part, { tgid: pid });
  const comm = Buffer.from(readStat(pid, tid)?.comm ?? '').subarray(0, 15);
  value.set(comm, task_part.at.comm);
  return addElement(mapFd, tid, value);
}
