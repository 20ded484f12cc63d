import { readStat } from './process-stat.ts';
import { numericNames, readProcText } from './read-text.ts';
import { threadIds } from './threads.ts';

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

/** Children of one process as the kernel lists them. Null where it does not (CONFIG_PROC_CHILDREN), or it vanished. */
export function readChildren(pid: number): number[] | null {
  let found: number[] | null = null;
  for (const tid of threadIds(pid)) {
    const text = readProcText(`/proc/${pid}/task/${tid}/children`);
    if (text === null) continue;
    found ??= [];
    for (const child of text.split(' ')) if (child.trim() !== '') found.push(Number(child));
  }
  return found;
}

/**
 * Children, grandchildren and so on of a process, without `except` and theirs. By its lists of children, which costs a
 * few µs a process; by a scan of all processes where there are none. A child born or dead meanwhile may be missed: ask
 * again.
 */
export function descendants(pid: number, except: ReadonlySet<number> = new Set()): number[] {
  if (readChildren(pid) === null) {
    const parents = parentPids();
    for (const excepted of except) parents.delete(excepted);
    return descendantsOf([pid], parents);
  }
  const found = new Set([pid]);
  for (const parent of found)
    for (const child of readChildren(parent) ?? []) if (!except.has(child)) found.add(child);
  return [...found].slice(1);
}
