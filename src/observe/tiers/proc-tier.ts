/**
 * The tier for users without privileges: no cycle is seen, only what /proc counts for each loop's thread. At each poll
 * the thread's state is noted (that is all a blocked loop shows here), at each window's end its counters are read.
 */
import { LoopscopeError } from '../../base/errors.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { readSchedstat } from '../../kernel/proc/schedstat.ts';
import { openTaskState, type TaskState } from '../../kernel/proc/task-state.ts';
import type { LiveListener } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, ObservationRecord } from '../../record/observation.ts';
import type { Capability } from '../../record/run.ts';
import { createExitBook } from '../loops/exit-book.ts';
import { createThreadRests, findLoops, type LoopCandidate } from '../loops/find-loops.ts';
import { createProcessTree, type ProcessTree } from '../loops/process-tree.ts';
import { taskIdentity } from '../loops/task-identity.ts';
import { lookAtThread } from '../loops/thread-look.ts';
import type { TaskCounters } from '../windows/cycle-windows.ts';
import { emptyWindow, growth, readTaskCounters } from '../windows/task-window.ts';
import { createWindowStore } from '../windows/window-store.ts';

export type ProcTierOptions = {
  pids: readonly number[];
  nowNs: () => number;
  windowNs: number;
  selfPids: readonly number[];
  findPids?: () => readonly number[];
  live?: LiveListener;
  ownCpuNs?: () => number;
};

export type ProcTier = {
  readonly capabilities: Capability[];
  /** Called every 10 ms or so: at most 32 states are read, 4 µs each. More at a window's end. */
  poll(): void;
  hasExited(pid: number): boolean;
  allGone(): boolean;
  loops(): LoopRecord[];
  /** Closes the last window and all files. Once. */
  stop(): Pick<ObservationRecord, 'loops' | 'windows' | 'exits'>;
  [Symbol.dispose](): void;
};

const LOOP_LIMIT = 256;
/** Those that are gone too. */
const RECORD_LIMIT = 8192;
const STATES_PER_POLL = 32;
const RESCAN_NS = 900e6;
const RESCAN_SAMPLE_MS = 20;

type Watched = {
  record: LoopRecord;
  identity: string;
  certain: boolean;
  state: TaskState;
  before: TaskCounters;
  /** Its first window begins when it was found. */
  sinceNs: number;
  stateCount: number;
  uninterruptibleCount: number;
};

/** Finds the loops and begins. Throws NO_LOOP_FOUND. */
export function startProcTier(options: ProcTierOptions): ProcTier {
  const tier = new Tier(options);
  if (tier.loops().length > 0) return tier;
  tier[Symbol.dispose]();
  throw new LoopscopeError(
    'NO_LOOP_FOUND',
    `no thread of process ${options.pids.join(', ')} waits like an event loop`,
    'is it the right process? its threads and what they wait in: cat /proc/PID/task/*/wchan',
  );
}

class Tier implements ProcTier {
  readonly capabilities: Capability[];
  readonly #options: ProcTierOptions;
  readonly #records: LoopRecord[] = [];
  readonly #windows = createWindowStore();
  readonly #exits = createExitBook((pid) => this.hasExited(pid));
  /** By tid; those that ended are taken out. */
  readonly #watched = new Map<number, Watched>();
  readonly #seen = new Map<number, Watched>();
  readonly #tree: ProcessTree;
  readonly #rests = createThreadRests();
  #ownCpuBeforeNs = 0;
  #turn = 0;
  #windowStartNs: number;
  #nextScanNs: number;

  constructor(options: ProcTierOptions) {
    this.#options = options;
    this.#windowStartNs = options.nowNs();
    this.#nextScanNs = this.#windowStartNs + RESCAN_NS;
    this.#tree = createProcessTree(options);
    this.#scan();
    this.capabilities = capabilitiesOf(this.#records[0]);
  }

  loops(): LoopRecord[] {
    return this.#records;
  }

  hasExited(pid: number): boolean {
    return this.#tree.hasExited(pid);
  }

  allGone(): boolean {
    return this.#watched.size === 0 && [...this.#tree.roots].every((pid) => this.#tree.hasExited(pid));
  }

  poll(): void {
    const now = this.#options.nowNs();
    this.#readStates(now);
    if (now - this.#windowStartNs >= this.#options.windowNs) this.#cutWindows(now);
    if (now >= this.#nextScanNs) {
      this.#nextScanNs = now + RESCAN_NS;
      this.#scan(RESCAN_SAMPLE_MS);
    }
  }

  stop() {
    const now = this.#options.nowNs();
    for (const watched of [...this.#watched.values()])
      if (watched.state.read() === null) this.#close(watched, now);
    this.#makeCertain();
    this.#cutWindows(now);
    this[Symbol.dispose]();
    const loops = this.#records.filter((record) => this.#wasLoop(record));
    const kept = new Set(loops.map((record) => record.loopIndex));
    const windows = this.#windows.all().filter((window) => kept.has(window.loopIndex));
    return { loops, windows, exits: this.#exits.finish(this.#records, this.#tree.roots, now) };
  }

  [Symbol.dispose](): void {
    for (const { state } of this.#watched.values()) state[Symbol.dispose]();
    this.#watched.clear();
  }

  /** Workers come and go: new threads are added, and uncertain ones seen waiting become certain. */
  #scan(sampleMs?: number): void {
    const { pids, selfPids } = this.#options;
    const processes = this.#tree.scan();
    for (const watched of [...this.#watched.values()]) {
      const { pid, tid } = watched.record;
      // Ended, or another by now with the same number, or another program in the same process.
      if (taskIdentity(pid, tid) !== watched.identity) this.#close(watched, this.#options.nowNs());
    }
    const { roots } = this.#tree;
    const options = { processes, roots, knownTids: this.#watched, rests: this.#rests, selfPids, sampleMs };
    for (const candidate of findLoops(pids, options)) this.#add(candidate);
    this.#makeCertain();
  }

  /** Those that were busy when they were found, and now wait. */
  #makeCertain(): void {
    for (const watched of this.#watched.values()) {
      if (watched.certain) continue;
      const look = lookAtThread(watched.record.pid, watched.record.tid);
      if (look.kind !== 'wait') continue;
      watched.certain = true;
      watched.record.waitCall = look.call;
    }
  }

  #add(candidate: LoopCandidate): void {
    const { waitCallNumber: _number, certain, ...known } = candidate;
    const state = openTaskState(candidate.pid, candidate.tid);
    const before = readTaskCounters(candidate.pid, candidate.tid);
    const identity = taskIdentity(candidate.pid, candidate.tid);
    const isFull = this.#records.length >= RECORD_LIMIT || this.#watched.size >= LOOP_LIMIT;
    if (state === null || before === null || identity === null || isFull) {
      state?.[Symbol.dispose]();
      return;
    }
    const now = this.#options.nowNs();
    const record: LoopRecord = { ...known, loopIndex: this.#records.length, startNs: now, endNs: null };
    const counts = { stateCount: 0, uninterruptibleCount: 0 };
    const watched = { record, identity, certain, state, before, sinceNs: now, ...counts };
    this.#records.push(record);
    this.#watched.set(candidate.tid, watched);
    this.#seen.set(record.loopIndex, watched);
    this.#options.live?.onLoop(record);
  }

  /** Many loops take turns, so that a poll stays short. */
  #readStates(now: number): void {
    const all = [...this.#watched.values()];
    const count = Math.min(all.length, STATES_PER_POLL);
    for (let i = 0; i < count; i++) {
      const watched = all[(this.#turn + i) % all.length]!;
      const state = watched.state.read();
      if (state === null || state === 'Z' || state === 'X') {
        this.#close(watched, now);
        continue;
      }
      watched.stateCount++;
      if (state === 'D') watched.uninterruptibleCount++;
    }
    this.#turn = all.length > 0 ? (this.#turn + count) % all.length : 0;
  }

  #close(watched: Watched, now: number): void {
    watched.state[Symbol.dispose]();
    watched.record.endNs = now;
    this.#watched.delete(watched.record.tid);
    this.#options.live?.onLoop(watched.record);
    this.#exits.threadEnded(watched.record.pid, now);
  }

  #cutWindows(now: number): void {
    const cut: CycleWindow[] = [];
    for (const watched of [...this.#watched.values()]) {
      const { pid, tid, loopIndex } = watched.record;
      const counters = readTaskCounters(pid, tid);
      if (counters === null) {
        this.#close(watched, now);
        continue;
      }
      const startNs = Math.max(this.#windowStartNs, watched.sinceNs);
      if (now <= startNs) continue;
      const blockedShare = watched.stateCount === 0 ? 0 : watched.uninterruptibleCount / watched.stateCount;
      const window = {
        ...emptyWindow(loopIndex, startNs, now - startNs),
        ...growth(watched.before, counters),
        blockedShare,
      };
      this.#windows.add(window);
      cut.push(window);
      watched.before = counters;
      watched.stateCount = 0;
      watched.uninterruptibleCount = 0;
    }
    const spanNs = now - this.#windowStartNs;
    this.#windowStartNs = now;
    const ownNs = this.#options.ownCpuNs?.() ?? 0;
    this.#options.live?.onWindows(cut, {
      tier: 'proc',
      level: 'proc',
      budgetNs: 0,
      ownCpus: spanNs > 0 ? (ownNs - this.#ownCpuBeforeNs) / spanNs : 0,
      programCpus: null,
      cpuBudgetShare: null,
      losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
    });
    this.#ownCpuBeforeNs = ownNs;
  }

  /**
   * Where wait calls are hidden, a master looks like its workers. It is told by never having woken up while those that
   * it started were watched.
   */
  #wasLoop(record: LoopRecord): boolean {
    if (this.#seen.get(record.loopIndex)?.certain || this.#records.length === 1) return true;
    const wokeUp = this.#windows
      .all()
      .some((window) => window.loopIndex === record.loopIndex && window.voluntarySwitches > 0);
    return wokeUp || !this.#records.some((other) => readStat(other.pid)?.parentPid === record.pid);
  }
}

function capabilitiesOf(loop: LoopRecord | undefined): Capability[] {
  if (loop === undefined) return [];
  const seesCalls = lookAtThread(loop.pid, loop.tid).kind !== 'hidden';
  const hasAccount = readSchedstat(loop.pid, loop.tid) !== null;
  return [
    {
      name: 'proc syscall',
      available: seesCalls,
      reason: seesCalls
        ? ''
        : 'the process is another user’s, or tracing is restricted (kernel.yama.ptrace_scope)',
      hides: seesCalls ? '' : 'which threads wait for events: main threads are taken for the loops',
    },
    {
      name: 'schedstat',
      available: hasAccount,
      reason: hasAccount ? '' : 'the kernel keeps no account (CONFIG_SCHED_INFO)',
      hides: hasAccount ? '' : 'time spent waiting for a CPU',
    },
  ];
}
