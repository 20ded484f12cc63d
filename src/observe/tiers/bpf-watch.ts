/** The bpf tier joined with what /proc knows: which threads to watch, their counters, and names for addresses. */
import { LoopscopeError } from '../../base/errors.ts';
import type { CycleWindow, LoopRecord, ObserverLosses, Stall } from '../../record/observation.ts';
import { type CpuHolder, createCpuHolder } from '../cost/cpu-holder.ts';
import { createPollPace, type PollPace } from '../cost/poll-pace.ts';
import { measureProgramCost } from '../cost/program-cost.ts';
import { createExitBook } from '../loops/exit-book.ts';
import { createThreadRests, findLoops, type LoopCandidate } from '../loops/find-loops.ts';
import { createLoopSlots } from '../loops/loop-slots.ts';
import { createProcessTree, type ProcessTree } from '../loops/process-tree.ts';
import { type Comings, createScanSchedule, type ScanSchedule } from '../loops/scan-schedule.ts';
import { taskIdentity } from '../loops/task-identity.ts';
import { lookAtThread } from '../loops/thread-look.ts';
import { LOOP_LIMIT, totals } from '../probes/layouts.ts';
import { createWarmUp } from '../stalls/blocked-stack.ts';
import { createOpenStalls, type OpenStalls } from '../stalls/open-stalls.ts';
import { createStallBook, type StallBook } from '../stalls/stall-book.ts';
import { unfinishedStall } from '../stalls/unfinished-stall.ts';
import { budgetOf, FIRST_BUDGET_NS } from '../windows/budget.ts';
import { createWindowCutter, type WindowCutter } from '../windows/cycle-windows.ts';
import { readTaskCounters } from '../windows/task-window.ts';
import { createWindowStore } from '../windows/window-store.ts';
import { type BpfTier, startBpfTier } from './bpf-tier.ts';
import type { ObserveOptions, Tier, TierOptions } from './tier.ts';

/** A busy thread is looked at again at the next scan: to wait for it would keep the ring waiting too. */
const RESCAN_SAMPLE_MS = 0;
const BUDGET_AFTER_NS = 500e6;
/** Loops in all, those that are gone too: workers may come and go for days. */
const RECORD_LIMIT = 8192;
const CHANGE_LIMIT = 1000;
/** Tried for a thread whose wait call could not be seen; poll and select are often just blocking calls of other work. */
const LIKELY_CALLS = ['epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'io_uring_enter'];
/** A loop that sleeps by the nanosecond polls with the cheaper call, which takes milliseconds and needs no pointer. */
const POLLS_BESIDE: Record<string, string[]> = { epoll_pwait2: ['epoll_pwait'] };
const waitCallsOf = (seen: string | null) =>
  seen === null ? LIKELY_CALLS : [seen, ...(POLLS_BESIDE[seen] ?? [])];

type Watched = {
  record: LoopRecord;
  cutter: WindowCutter;
  /** Its place in the kernel's arrays. */
  slot: number;
  identity: string;
  /** The present window began then. */
  sinceNs: number;
};

/** Throws NO_LOOP_FOUND, PERMISSION or BPF_LOAD. */
export function startBpfWatch(options: TierOptions): Tier {
  const watch = new Watch(options);
  try {
    watch.rescan();
    if (watch.records.length === 0) {
      throw new LoopscopeError(
        'NO_LOOP_FOUND',
        `no thread of process ${options.pids.join(', ')} waits like an event loop`,
        'is it the right process? its threads and what they wait in: cat /proc/PID/task/*/wchan',
      );
    }
  } catch (error) {
    watch[Symbol.dispose]();
    throw error;
  }
  return watch;
}

class Watch implements Tier {
  readonly name = 'bpf';
  readonly capabilities = [{ name: 'bpf', available: true, reason: '', hides: '' }];
  readonly records: LoopRecord[] = [];
  readonly #options: TierOptions;
  readonly #nowNs: () => number;
  readonly #tier: BpfTier;
  readonly #cost: ReturnType<typeof measureProgramCost>;
  readonly #cpu: CpuHolder;
  readonly #tree: ProcessTree;
  readonly #book: StallBook;
  readonly #open: OpenStalls | null;
  readonly #slots = createLoopSlots(LOOP_LIMIT);
  /** By tid. */
  readonly #watched = new Map<number, Watched>();
  readonly #byLoop = new Map<number, Watched>();
  readonly #rests = createThreadRests();
  readonly #windows = createWindowStore();
  readonly #warmUp = createWarmUp((address) => this.#book.kernelSymbol(address));
  readonly #exits = createExitBook((pid) => this.hasExited(pid));
  readonly #tierChanges: { atNs: number; tier: string; why: string }[] = [];
  /** Threads that found no place, each counted once. */
  readonly #refused = new Set<number>();
  readonly #losses: ObserverLosses = {
    ringBufferDrops: 0,
    mapFullDrops: 0,
    stallsNotKept: 0,
    decodeErrors: 0,
  };
  #level = 'base';
  #finished = false;
  #budgetNs: number;
  #budgetSettled: boolean;
  #windowStartNs: number;
  readonly #scans: ScanSchedule;
  readonly #pace: PollPace;
  readonly #beganNs: number;

  constructor(options: TierOptions) {
    const nowNs = () => options.clock.nowNs();
    this.#options = options;
    this.#nowNs = nowNs;
    this.#beganNs = nowNs();
    this.#windowStartNs = this.#beganNs;
    this.#scans = createScanSchedule(this.#beganNs);
    this.#pace = createPollPace(nowNs, options.windowNs);
    this.#budgetNs = options.budgetNs ?? FIRST_BUDGET_NS;
    this.#budgetSettled = options.budgetNs !== undefined;
    this.#book = createStallBook({
      startMonoNs: options.clock.startMonoNs,
      nameAtOnce: options.live !== undefined,
      loopOf: this.#slots.loopOf,
    });
    this.#tier = startBpfTier({
      armed: options.armed ?? 'auto',
      nowNs,
      ...(options.ringBytes !== undefined && { ringBytes: options.ringBytes }),
      onStallRecord: (bytes) => this.#takeStall(bytes),
      onStackRecord: (bytes) => this.#book.takeStack(bytes),
      onTierChange: (tier, why) => this.#noteChange(tier, why),
    });
    this.#tree = createProcessTree({
      ...options,
      nowNs,
      onMember: (pid, isMember) => this.#tier.setMember(pid, isMember),
    });
    this.#tier.setBudgetNs(this.#budgetNs);
    this.#cost = measureProgramCost(this.#tier.programs, nowNs);
    this.#cpu = createCpuHolder({
      budgetShare: options.cpuBudgetShare ?? null,
      programs: this.#tier.programs,
      latestProgramCpus: () => this.#cost.latestCpus(),
      ownCpuNs: options.ownCpuNs,
      nowNs,
      limitArming: (limit, why) => this.#tier.limitArming(limit, why),
      onLevel: (level, why) => this.#noteChange(level, why),
      seeCycles: (on) => this.#seeCycles(on),
    });
    this.#open = options.live ? this.#openStalls(options.live) : null;
  }

  /** Workers come and go: threads not seen before are added, those gone are closed. */
  rescan(): void {
    const processes = this.#tree.scan();
    for (const [tid, watched] of this.#watched) {
      const { pid } = watched.record;
      // A thread may end while its process stays, and either number may be another's by now.
      if (taskIdentity(pid, tid) !== watched.identity) this.#close(tid, watched);
      else if (watched.record.waitCall === null) this.#makeCertain(tid, watched);
    }
    const candidates = findLoops(this.#options.pids, {
      processes,
      roots: this.#tree.roots,
      knownTids: this.#watched,
      rests: this.#rests,
      selfPids: this.#options.selfPids,
      ...(this.records.length > 0 && { sampleMs: RESCAN_SAMPLE_MS }),
    });
    for (const candidate of candidates) this.#add(candidate);
    for (const tid of this.#refused) {
      if (!candidates.some((candidate) => candidate.tid === tid)) this.#refused.delete(tid);
    }
  }

  /** A worker that was only just beginning when it was found, and now waits: an idle one would never be known by a cycle. */
  #makeCertain(tid: number, watched: Watched): void {
    const look = lookAtThread(watched.record.pid, tid);
    if (look.kind !== 'wait' || look.call === null) return;
    if (LIKELY_CALLS.includes(look.call)) watched.record.waitCall = look.call;
    // Its cycles were not counted by that call: the same scan finds it anew, with the right one.
    else this.#close(tid, watched);
  }

  poll(): void {
    this.#tier.poll();
    this.#slots.settle();
    this.#book.step();
    this.#cost.step();
    const now = this.#nowNs();
    if (!this.#budgetSettled && now - this.#beganNs > BUDGET_AFTER_NS) this.#settleBudget();
    this.#open?.step(this.#liveRecords(), this.#budgetNs);
    if (now - this.#windowStartNs >= this.#options.windowNs) this.#cutWindows(now);
    if (this.#level !== 'base') this.#pace.stir();
    if (this.#scans.isDue(now, this.#comings())) {
      this.rescan();
      this.#scans.looked(now, this.#nowNs() - now);
    }
    this.#cpu.step();
  }

  restMs(): number {
    return this.#pace.restMs(this.#cpu.tightness);
  }

  hasExited(pid: number): boolean {
    return this.#tree.hasExited(pid);
  }

  allGone(): boolean {
    return [...this.#tree.roots].every((pid) => this.#tree.hasExited(pid)) && this.#watched.size === 0;
  }

  loops(): LoopRecord[] {
    return [...this.#liveRecords()];
  }

  finish() {
    const now = this.#nowNs();
    this.rescan();
    this.#cutWindows(now);
    const unfinished = this.#unfinished(now);
    this.#finished = true;
    const armedNs = this.#tier.armedNs();
    const cost = { ...this.#cost.finish(), armedNs, tierChanges: this.#tierChanges };
    const windows = this.#windows.all();
    const cycled = new Set(windows.filter((w) => w.cycleCount > 0).map((w) => w.loopIndex));
    const active = this.records.filter((record) => this.#wasLoop(record, cycled));
    const kept = new Set(active.map((record) => record.loopIndex));
    const stalls = [...this.#book.finish(), ...unfinished].sort((a, b) => a.startNs - b.startNs);
    return {
      budgetNs: this.#budgetNs,
      loops: active,
      windows: windows.filter((window) => kept.has(window.loopIndex)),
      stalls,
      exits: this.#exits.finish(this.records, this.#tree.roots, now),
      cost,
      losses: this.#lossesNow(),
    };
  }

  [Symbol.dispose](): void {
    this.#book?.[Symbol.dispose]();
    this.#cost?.[Symbol.dispose]();
    this.#cpu?.[Symbol.dispose]();
    this.#tier[Symbol.dispose]();
  }

  #comings(): Comings {
    return {
      endings: this.#tier.endings(),
      beginnings: this.#tier.beginnings(),
      watched: this.#watched.size,
    };
  }

  *#liveRecords(): Generator<LoopRecord> {
    for (const { record } of this.#watched.values()) yield record;
  }

  /** A candidate that never waited as a loop does was none, unless it was certain or is all there is. */
  #wasLoop(record: LoopRecord, cycled: ReadonlySet<number>): boolean {
    return record.waitCall !== null || cycled.has(record.loopIndex) || this.records.length === 1;
  }

  #openStalls(live: NonNullable<ObserveOptions['live']>): OpenStalls {
    return createOpenStalls({
      nowNs: this.#nowNs,
      startMonoNs: this.#options.clock.startMonoNs,
      openTurn: (loopIndex) => {
        const slot = this.#byLoop.get(loopIndex)?.slot;
        return slot === undefined ? null : this.#tier.openTurn(slot);
      },
      newestSample: (loopIndex) => {
        const slot = this.#byLoop.get(loopIndex)?.slot;
        return slot === undefined ? null : this.#tier.newestSample(slot);
      },
      kernelSymbol: this.#book.kernelSymbol,
      progressOf: (loopIndex) => {
        const slot = this.#byLoop.get(loopIndex)?.slot;
        if (slot === undefined) return 0n;
        const live = this.#tier.totalsOf(slot);
        return live.getBigUint64(totals.at.cycles, true) + live.getBigUint64(totals.at.peeks, true);
      },
      symbolsOf: this.#book.symbolsOf,
      listener: live,
      suspect: () => this.#tier.suspect(),
    });
  }

  #noteChange(tier: string, why: string): void {
    if (this.#finished) return;
    const change = { atNs: this.#nowNs(), tier, why };
    this.#level = tier;
    if (this.#tierChanges.length < CHANGE_LIMIT) this.#tierChanges.push(change);
    this.#options.live?.onTierChange(change);
  }

  #add(candidate: LoopCandidate): void {
    const { pid, tid } = candidate;
    const identity = taskIdentity(pid, tid);
    const ofProcess = tid === pid ? identity : taskIdentity(pid, pid);
    if (identity === null || ofProcess === null || this.#watched.has(tid)) return;
    const loopIndex = this.records.length;
    const slot = loopIndex < RECORD_LIMIT ? this.#slots.take(loopIndex) : null;
    if (slot === null) {
      if (!this.#refused.has(tid)) this.#losses.mapFullDrops++;
      this.#refused.add(tid);
      return;
    }
    const { waitCallNumber: _number, certain: _certain, ...known } = candidate;
    const now = this.#nowNs();
    const record: LoopRecord = { ...known, loopIndex, startNs: now, endNs: null };
    const watched = { record, cutter: this.#watchFrom(slot, record), slot, identity, sinceNs: now };
    this.records.push(record);
    this.#watched.set(tid, watched);
    this.#byLoop.set(loopIndex, watched);
    this.#book.addLoop(loopIndex, pid, ofProcess);
    if (!this.#options.live) return;
    this.#warmUp(pid, tid, this.#book.symbolsOf(loopIndex));
    this.#options.live.onLoop(record);
  }

  /** Its counting begins now, from nothing. */
  #watchFrom(slot: number, record: LoopRecord): WindowCutter {
    this.#tier.addLoop(slot, record.tid, waitCallsOf(record.waitCall));
    const task = readTaskCounters(record.pid, record.tid);
    return createWindowCutter(record.loopIndex, this.#tier.totalsOf(slot), task);
  }

  #close(tid: number, watched: Watched): void {
    const { record, slot } = watched;
    record.endNs = this.#nowNs();
    // What it sent before its end is still to be known as its own.
    this.#tier.poll();
    this.#cutWindow(watched, record.endNs);
    this.#watched.delete(tid);
    this.#byLoop.delete(record.loopIndex);
    this.#tier.removeLoop(slot, tid);
    this.#slots.release(slot);
    this.#book.removeLoop(record.loopIndex);
    this.#open?.remove(record.loopIndex);
    this.#exits.threadEnded(record.pid, record.endNs);
    this.#options.live?.onLoop(record);
  }

  #takeStall(bytes: Uint8Array): void {
    const { onStall, live } = this.#options;
    const tell = (stall: Stall) => {
      onStall?.(stall);
      live?.onStall(stall, this.#open?.finish(stall) ?? null);
    };
    this.#book.take(bytes, onStall || live ? tell : null);
  }

  #settleBudget(): void {
    const budgetNs = budgetOf([...this.#watched.values()].map(({ slot }) => this.#tier.totalsOf(slot)));
    if (budgetNs === null) return;
    this.#budgetNs = budgetNs;
    this.#budgetSettled = true;
    this.#tier.setBudgetNs(budgetNs);
  }

  #cutWindow(watched: Watched, now: number): CycleWindow | null {
    const { record, cutter, slot, sinceNs } = watched;
    if (now <= sinceNs || !this.#cpu.seesCycles) return null;
    const task = readTaskCounters(record.pid, record.tid);
    const window = cutter.cut(this.#tier.totalsOf(slot), task, sinceNs, now - sinceNs);
    watched.sinceNs = now;
    this.#windows.add(window);
    return window;
  }

  #cutWindows(now: number): void {
    const cut: CycleWindow[] = [];
    for (const watched of this.#watched.values()) {
      const window = this.#cutWindow(watched, now);
      if (window !== null) cut.push(window);
    }
    this.#windowStartNs = now;
    const { live } = this.#options;
    live?.onWindows(cut, {
      tier: 'bpf',
      level: this.#level,
      budgetNs: this.#budgetNs,
      ...this.#cpu.taken(),
      cpuBudgetShare: this.#options.cpuBudgetShare ?? null,
      losses: this.#lossesNow(),
    });
  }

  /** Blind spans leave no window: what is said of rates is said of the time that was seen. */
  #seeCycles(on: boolean): void {
    const now = this.#nowNs();
    if (!on) for (const watched of this.#watched.values()) this.#cutWindow(watched, now);
    this.#tier.seeCycles(on);
    for (const watched of this.#watched.values()) {
      if (on) {
        watched.cutter = this.#watchFrom(watched.slot, watched.record);
        watched.sinceNs = this.#nowNs();
      } else this.#tier.removeLoop(watched.slot, watched.record.tid);
    }
  }

  /** Cycles and late wake-ups over budget that are still under way. */
  #unfinished(now: number): Stall[] {
    const stalls: Stall[] = [];
    for (const { record, slot } of this.#watched.values()) {
      const turn = this.#tier.openTurn(slot);
      if (turn === null) continue;
      const startNs = Number(turn.startMonoNs - this.#options.clock.startMonoNs);
      if (now - startNs <= this.#budgetNs) continue;
      const stall = unfinishedStall(record, turn, startNs, now, this.#book.kernelSymbol);
      if (stall) stalls.push(stall);
    }
    return stalls;
  }

  #lossesNow(): ObserverLosses {
    return {
      ...this.#losses,
      ...this.#book.losses,
      ringBufferDrops: this.#tier.ringDrops(),
      stacksNotKept: this.#book.losses.stacksNotKept + this.#tier.stackDrops(),
    };
  }
}
