/**
 * Which processes are watched: those that were named, and all that came of them. Pids are reused, so each is kept with
 * the time it began; and a process once seen stays in, also when its parent ends and init adopts it, as the new master
 * of an upgrade does.
 */
import { descendants } from '../../kernel/proc/children.ts';
import { type ProcessStat, readStat } from '../../kernel/proc/process-stat.ts';

export type ProcessTreeOptions = {
  pids: readonly number[];
  /** Asked now and then: who bears the name, holds the port or is in the group now. */
  findPids?: () => readonly number[];
  selfPids: readonly number[];
  nowNs: () => number;
  /** One came to be watched, or ended. */
  onMember?: (pid: number, isMember: boolean) => void;
};

export type ProcessTree = {
  /** Looks anew; all that live, named ones first. */
  scan(): number[];
  /** Those that were named, or found by name since. */
  readonly roots: ReadonlySet<number>;
  /** It has ended, or its pid is another's now. */
  hasExited(pid: number): boolean;
};

const PROCESS_LIMIT = 4096;
/** Between two looks for others of the name: they read all of /proc. Sooner when none that was found is left. */
const FIND_EVERY_NS = 4e9;
const FIND_SOON_NS = 1e9;

export function createProcessTree(options: ProcessTreeOptions): ProcessTree {
  const { nowNs, onMember } = options;
  const self = new Set([...options.selfPids, process.pid]);
  /** By pid, when it began. */
  const members = new Map<number, number>();
  /** Those that ended: a pid named at the start is asked for again at the end. */
  const ended = new Map<number, number>();
  const roots = new Set<number>();
  let soughtNs = nowNs();

  const add = (pid: number, stat: ProcessStat | null = readStat(pid)) => {
    if (self.has(pid) || members.size >= PROCESS_LIMIT || stat === null || isDead(stat)) return;
    if (ended.get(pid) === stat.startTicks) return;
    members.set(pid, stat.startTicks);
    onMember?.(pid, true);
  };
  const addRoot = (pid: number) => {
    if (self.has(pid)) return;
    roots.add(pid);
    if (!members.has(pid)) add(pid);
  };
  for (const pid of options.pids) addRoot(pid);

  return {
    roots,
    scan() {
      for (const [pid, startTicks] of members) {
        const stat = readStat(pid);
        if (stat !== null && stat.startTicks === startTicks && !isDead(stat)) continue;
        members.delete(pid);
        onMember?.(pid, false);
        if (roots.has(pid)) ended.set(pid, startTicks);
      }
      const everyNs = [...roots].some((pid) => members.has(pid)) ? FIND_EVERY_NS : FIND_SOON_NS;
      if (options.findPids && nowNs() >= soughtNs + everyNs) {
        soughtNs = nowNs();
        for (const pid of options.findPids()) addRoot(pid);
      }
      const reached = new Set<number>();
      for (const pid of [...members.keys()]) {
        if (reached.has(pid)) continue;
        for (const child of descendants(pid, self)) {
          reached.add(child);
          if (!members.has(child)) add(child);
        }
      }
      return [...members.keys()];
    },
    hasExited(pid) {
      const startTicks = members.get(pid);
      const stat = readStat(pid);
      return stat === null || isDead(stat) || stat.startTicks !== startTicks;
    },
  };
}

/** A zombie does nothing any more; its parent has not yet asked how it ended. */
function isDead(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X';
}
