/**
 * Which threads of a process are its event loops: those that wait in epoll_wait or a sibling, as /proc shows. A thread
 * that is busy at the first look is looked at a few times more; if it never waits, it is an uncertain candidate.
 * Go and tokio hand the waiting from thread to thread: there the answer changes from scan to scan.
 */
import { cgroupOfProcess, type ProcessCgroup } from '../../kernel/proc/cgroup.ts';
import { descendants } from '../../kernel/proc/children.ts';
import { readCommandLine } from '../../kernel/proc/command-line.ts';
import { countWaitDescriptors } from '../../kernel/proc/descriptors.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { readStatus } from '../../kernel/proc/process-status.ts';
import { threadIds } from '../../kernel/proc/threads.ts';
import { readTimerSlackNs } from '../../kernel/proc/timer-slack.ts';
import type { LoopRecord } from '../../record/observation.ts';
import { isNodeHelper, isNodeProcess } from './node-threads.ts';
import { lookAtThread, type ThreadLook } from './thread-look.ts';

export type LoopCandidate = Omit<LoopRecord, 'loopIndex' | 'startNs' | 'endNs'> & {
  /** Number of `waitCall`, null when that is null. */
  waitCallNumber: number | null;
  /** It was seen waiting for events. False: it may be a loop that never had to wait, or another thing altogether. */
  certain: boolean;
};

export type FindLoopsOptions = {
  /** Loopscope's own processes: neither they nor their children are looked at. */
  selfPids?: readonly number[];
  /** Processes to look in, where the caller keeps the tree itself; by default those of the pids and their descendants. */
  processes?: readonly number[];
  /** Of them, those that the user named; by default the pids. */
  roots?: ReadonlySet<number>;
  /** Threads found before: left out, so that a repeated scan need not sample a saturated loop again. */
  knownTids?: Pick<ReadonlySet<number>, 'has'>;
  /** Makes repeated scans cheap where a process has hundreds of threads that are no loops. */
  rests?: ThreadRests;
  /** Longest time to spend on looking again at busy threads; 50 by default, 0 for a single look. */
  sampleMs?: number;
};

const SAMPLE_COUNT = 5;
const THREAD_LIMIT = 1024;
const PROCESS_LIMIT = 4096;

/** A thread that may be a loop. `unless`: what excludes it if it is seen doing that later. */
type Suspect = {
  pid: number;
  tid: number;
  /** A wait call it was seen in. */
  look: ThreadLook;
  certain: boolean;
  /** The process has an epoll or io_uring descriptor (true also when that is hidden). */
  ownsWaitDescriptor: boolean;
  /** Blocked in a futex whenever looked at. */
  alwaysFutex: boolean;
};

/**
 * Loops of the given processes and of all their descendants. Synchronous: about 0.1 ms a process, and up to
 * `sampleMs` when there are busy threads. Processes that vanish meanwhile are left out; never throws for them.
 */
export function findLoops(pids: readonly number[], options: FindLoopsOptions = {}): LoopCandidate[] {
  const self = new Set([...(options.selfPids ?? []), process.pid]);
  const known = options.knownTids ?? new Set<number>();
  const { rests } = options;
  rests?.nextScan();
  const found: Suspect[] = [];
  const pending: Suspect[] = [];
  const given = options.roots ?? new Set(pids);
  for (const pid of options.processes ?? processesOf(pids, self)) {
    if (self.has(pid)) continue;
    for (const suspect of suspectsIn(pid, given.has(pid), known, rests)) {
      (suspect.certain || suspect.look.kind === 'hidden' ? found : pending).push(suspect);
    }
  }
  found.push(...lookAgain(pending, options.sampleMs ?? 50));
  const looping = new Set(found.filter((suspect) => suspect.certain).map((suspect) => suspect.pid));
  const cgroups = new Map<string, ProcessCgroup | null>();
  return (
    found
      // A main thread that only waits for its worker threads to end (pthread_join).
      .filter((suspect) => suspect.certain || !suspect.alwaysFutex || !looping.has(suspect.pid))
      .sort((a, b) => a.pid - b.pid || a.tid - b.tid)
      .map((suspect) => describe(suspect, cgroups))
      .filter((candidate) => candidate !== null)
  );
}

/** Threads that were no loops time after time are looked at less and less often, at the least every eighth scan. */
export type ThreadRests = {
  nextScan(): void;
  rests(tid: number): boolean;
  wasNone(tid: number): void;
};

const LONGEST_REST_SCANS = 8;

export function createThreadRests(): ThreadRests {
  /** By tid: how often it was none, the scan to look again, the last scan it was met in. */
  const seen = new Map<number, { noneCount: number; lookAgainAt: number; metAt: number }>();
  let scan = 0;
  return {
    nextScan() {
      // One that was not met in the last scan is gone: its number may come back as another thread.
      for (const [tid, entry] of seen) if (entry.metAt < scan) seen.delete(tid);
      scan++;
    },
    rests(tid) {
      const entry = seen.get(tid);
      if (!entry) return false;
      entry.metAt = scan;
      return scan < entry.lookAgainAt;
    },
    wasNone(tid) {
      const noneCount = (seen.get(tid)?.noneCount ?? 0) + 1;
      const restScans = Math.min(LONGEST_REST_SCANS, 2 ** Math.max(0, noneCount - 2));
      seen.set(tid, { noneCount, lookAgainAt: scan + restScans, metAt: scan });
    },
  };
}

function processesOf(pids: readonly number[], self: ReadonlySet<number>): Set<number> {
  const processes = new Set<number>();
  for (const pid of pids) {
    if (self.has(pid)) continue;
    processes.add(pid);
    for (const child of descendants(pid, self)) {
      if (processes.size < PROCESS_LIMIT) processes.add(child);
    }
  }
  return processes;
}

function suspectsIn(
  pid: number,
  isGiven: boolean,
  known: Pick<ReadonlySet<number>, 'has'>,
  rests: ThreadRests | undefined,
): Suspect[] {
  const stat = readStat(pid);
  if (stat === null || stat.isKernelThread || stat.state === 'Z' || stat.state === 'X') return [];
  const suspects: Suspect[] = [];
  let waitDescriptors: number | null | undefined;
  let isNode: boolean | undefined;
  let mainIsLoop = known.has(pid);
  for (const tid of threadIds(pid).slice(0, THREAD_LIMIT)) {
    if (known.has(tid)) continue;
    const isMain = tid === pid;
    if (!isMain && rests?.rests(tid)) continue;
    const look = lookAtThread(pid, tid);
    if (look.kind === 'gone' || look.kind === 'never') continue;
    if (!isMain && (look.kind === 'blocked' || look.kind === 'hidden')) {
      rests?.wasNone(tid);
      continue;
    }
    if (look.kind !== 'wait' && waitDescriptors === undefined) waitDescriptors = countWaitDescriptors(pid);
    const suspect: Suspect = {
      pid,
      tid,
      look,
      certain: look.kind === 'wait',
      ownsWaitDescriptor: waitDescriptors !== 0,
      alwaysFutex: look.kind === 'blocked' && look.call === 'futex',
    };
    if (isMain) {
      // poll and select are the wait of a loop that has nothing better; of one that has, a blocking call inside a turn.
      if (look.kind === 'poll') suspect.certain = waitDescriptors === 0;
      if (look.kind === 'blocked' && !waitDescriptors) continue;
      // A child that computes (CGI, a compiler) is no loop; the process that was named gets the benefit of the doubt.
      if (look.kind === 'busy' && waitDescriptors === 0 && !isGiven) continue;
      mainIsLoop = suspect.certain;
    } else {
      isNode ??= isNodeProcess(pid);
      if (look.kind === 'wait' && isNode && isNodeHelper(pid, look)) continue;
      if (look.kind === 'busy' && (isNode || (waitDescriptors ?? 0) < 2)) continue;
      // Helper threads of GLib and the like sit in poll for ever.
      if (look.kind === 'poll' && (mainIsLoop || waitDescriptors !== 0)) continue;
      if (look.kind === 'poll') suspect.certain = true;
    }
    suspects.push(suspect);
  }
  return suspects;
}

const scratch = new Int32Array(new SharedArrayBuffer(4));

/** Looks at busy and blocked threads a few times more; what is seen waiting becomes certain, what is no loop goes. */
function lookAgain(pending: Suspect[], sampleMs: number): Suspect[] {
  const settled: Suspect[] = [];
  let open = pending;
  for (let i = 1; i < SAMPLE_COUNT && open.length > 0 && sampleMs > 0; i++) {
    // Uneven steps, so that a timer of 10 ms is not met at the same phase each time.
    Atomics.wait(scratch, 0, 0, (sampleMs / (SAMPLE_COUNT - 1)) * (i % 2 ? 0.8 : 1.1));
    const next: Suspect[] = [];
    for (const suspect of open) {
      const look = lookAtThread(suspect.pid, suspect.tid);
      if (look.kind === 'gone' || look.kind === 'never') continue;
      if (look.kind === 'wait') {
        settled.push({ ...suspect, look, certain: true });
        continue;
      }
      if (look.kind === 'poll' && !suspect.ownsWaitDescriptor) {
        settled.push({ ...suspect, look, certain: true });
        continue;
      }
      const isMain = suspect.pid === suspect.tid;
      if (look.kind === 'blocked' && !(isMain && suspect.ownsWaitDescriptor)) continue;
      suspect.alwaysFutex &&= look.kind === 'blocked' && look.call === 'futex';
      next.push(suspect);
    }
    open = next;
  }
  return [...settled, ...open];
}

function describe(suspect: Suspect, cgroups: Map<string, ProcessCgroup | null>): LoopCandidate | null {
  const { pid, tid, look, certain } = suspect;
  const stat = readStat(pid, tid);
  const status = readStatus(pid, tid);
  if (stat === null || status === null) return null;
  const cgroup = cgroupOfProcess(pid, cgroups);
  const wait = certain && (look.kind === 'wait' || look.kind === 'poll') ? look : null;
  return {
    pid,
    tid,
    comm: stat.comm,
    commandLine: readCommandLine(pid) ?? '',
    waitCall: wait?.call ?? null,
    waitCallNumber: wait?.number ?? null,
    certain,
    cpusAllowed: status.cpusAllowed,
    nice: stat.nice,
    schedPolicy: stat.schedPolicy,
    timerSlackNs: readTimerSlackNs(tid),
    cgroupPath: cgroup?.path ?? '',
    cpuQuota: cgroup?.quotaCpus ?? null,
    tracerPid: status.tracerPid,
  };
}
