import { readStat } from './process-stat.ts';
import { numericNames } from './read-text.ts';

/** Pids of all processes that we may see. */
export function allPids(): number[] {
  return numericNames('/proc');
}

/** Parent of each process. One pass over /proc, about 10 µs a process. */
export function parentPids(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat) parents.set(pid, stat.parentPid);
  }
  return parents;
}

/** Children of the given processes, their children and so on; not the given ones. Order: parents before children. */
export function descendantsOf(pids: Iterable<number>, parents: ReadonlyMap<number, number>): number[] {
  const children = new Map<number, number[]>();
  for (const [pid, parentPid] of parents) {
    const siblings = children.get(parentPid);
    if (siblings) siblings.push(pid);
    else children.set(parentPid, [pid]);
  }
  const found = new Set<number>(pids);
  const givenCount = found.size;
  // A set is walked in order of insertion, also over what is added on the way.
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found].slice(givenCount);
}

/** Children, grandchildren and so on of a process, by a scan of /proc/PID/stat. */
export function descendants(pid: number): number[] {
  return descendantsOf([pid], parentPids());
}
