/** The bpf tier joined with what /proc knows: which threads to watch, their counters, and names for addresses. */
import { LoopscopeError } from '../base/errors.ts';
import { readStat } from '../kernel/proc/process-stat.ts';
import { readStatus } from '../kernel/proc/process-status.ts';
import { readSchedstat } from '../kernel/proc/schedstat.ts';
import { createKallsyms } from '../kernel/symbols/kallsyms.ts';
import { createUserSymbols, type UserSymbols } from '../kernel/symbols/user-symbols.ts';
import { CYCLE_BUCKET_COUNT } from '../record/cycle-buckets.ts';
import type { CycleWindow, LoopRecord, Stall } from '../record/observation.ts';
import { type BpfTier, startBpfTier } from './bpf-tier.ts';
import { budgetFor, ENOUGH_CYCLES, FIRST_BUDGET_NS } from './budget.ts';
import { createWindowCutter, type TaskCounters, type WindowCutter } from './cycle-windows.ts';
import { findLoops, type LoopCandidate } from './find-loops.ts';
import type { ObserveOptions, Tier } from './observe.ts';
import { LOOP_LIMIT, stall_event, totals } from './probes/layouts.ts';
import { measureProgramCost } from './program-cost.ts';
import { decodeStall } from './stall-decoder.ts';
import { unfinishedStall } from './unfinished-stall.ts';

const STALL_LIMIT = 4000;
const RESCAN_NS = 1e9;
const BUDGET_AFTER_NS = 500e6;
/** Tried for a thread whose wait call could not be seen; poll and select are often just blocking calls of other work. */
const LIKELY_CALLS = ['epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'io_uring_enter'];

type Watched = { record: LoopRecord; cutter: WindowCutter };

/** Throws NO_LOOP_FOUND, PERMISSION or BPF_LOAD. */
export function startBpfWatch(options: ObserveOptions & { windowNs: number }): Tier {
  const nowNs = () => options.clock.nowNs();
  const watch = new Watch(options, nowNs);
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
  readonly #options: ObserveOptions & { windowNs: number };
  readonly #nowNs: () => number;
  readonly #tier: BpfTier;
  readonly #cost: ReturnType<typeof measureProgramCost>;
  readonly #watched = new Map<number, Watched>();
  readonly #windows: CycleWindow[] = [];
  readonly #records: Uint8Array[] = [];
  readonly #exits: { pid: number; atNs: number }[] = [];
  readonly #tierChanges: { atNs: number; tier: string; why: string }[] = [];
  readonly #userSymbols = new Map<number, UserSymbols>();
  readonly #losses = { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 };
  #budgetNs: number;
  #budgetSettled: boolean;
  #windowStartNs: number;
  #nextScanNs: number;
  readonly #beganNs: number;

  constructor(options: ObserveOptions & { windowNs: number }, nowNs: () => number) {
    this.#options = options;
    this.#nowNs = nowNs;
    this.#beganNs = nowNs();
    this.#windowStartNs = this.#beganNs;
    this.#nextScanNs = this.#beganNs + RESCAN_NS;
    this.#budgetNs = options.budgetNs ?? FIRST_BUDGET_NS;
    this.#budgetSettled = options.budgetNs !== undefined;
    this.#tier = startBpfTier({
      armed: options.armed ?? 'auto',
      nowNs,
      ...(options.ringBytes !== undefined && { ringBytes: options.ringBytes }),
      onStallRecord: (bytes) => this.#takeStall(bytes),
      onTierChange: (tier, why) => this.#tierChanges.push({ atNs: nowNs(), tier, why }),
    });
    this.#tier.setBudgetNs(this.#budgetNs);
    this.#cost = measureProgramCost(this.#tier.programs, nowNs);
  }

  /** Workers come and go: threads not seen before are added, those gone are closed. */
  rescan(): void {
    const alive = new Set<number>();
    const options = { selfPids: this.#options.selfPids, knownTids: new Set(this.#watched.keys()) };
    for (const candidate of findLoops(this.#options.pids, options)) {
      alive.add(candidate.tid);
      if (!this.#watched.has(candidate.tid)) this.#add(candidate);
    }
    for (const [tid, { record }] of this.#watched) {
      if (alive.has(tid) || readStat(record.pid, tid) !== null) continue;
      this.#close(tid, record);
    }
  }

  poll(): void {
    this.#tier.poll();
    this.#cost.step();
    const now = this.#nowNs();
    if (!this.#budgetSettled && now - this.#beganNs > BUDGET_AFTER_NS) this.#settleBudget();
    if (now - this.#windowStartNs >= this.#options.windowNs) this.#cutWindows(now);
    if (now >= this.#nextScanNs) {
      this.#nextScanNs = now + RESCAN_NS;
      this.rescan();
    }
  }

  hasExited(pid: number): boolean {
    const stat = readStat(pid);
    return stat === null || stat.state === 'Z';
  }

  loops(): LoopRecord[] {
    return this.records;
  }

  finish() {
    const now = this.#nowNs();
    this.rescan();
    for (const pid of this.#options.pids) {
      if (this.hasExited(pid) && !this.#exits.some((exit) => exit.pid === pid))
        this.#exits.push({ pid, atNs: now });
    }
    this.#cutWindows(now);
    const unfinished = this.#unfinished(now);
    this.#losses.ringBufferDrops = this.#tier.ringDrops();
    const armedNs = this.#tier.armedNs();
    const cost = { ...this.#cost.finish(), armedNs, tierChanges: this.#tierChanges };
    const active = this.records.filter((record) => this.#wasLoop(record));
    return {
      budgetNs: this.#budgetNs,
      loops: active,
      windows: this.#windows.filter((window) =>
        active.some((record) => record.loopIndex === window.loopIndex),
      ),
      stalls: [...this.#decodeAll(), ...unfinished].sort((a, b) => a.startNs - b.startNs),
      exits: this.#exits,
      cost,
      losses: this.#losses,
    };
  }

  [Symbol.dispose](): void {
    this.#cost?.[Symbol.dispose]();
    this.#tier[Symbol.dispose]();
  }

  /** A candidate that never waited as a loop does was none, unless it was certain or is all there is. */
  #wasLoop(record: LoopRecord): boolean {
    if (record.waitCall !== null) return true;
    if (this.#windows.some((window) => window.loopIndex === record.loopIndex && window.cycleCount > 0))
      return true;
    return this.records.length === 1;
  }

  #add(candidate: LoopCandidate): void {
    const loopIndex = this.records.length;
    if (loopIndex >= LOOP_LIMIT) {
      this.#losses.mapFullDrops++;
      return;
    }
    const { waitCallNumber: _number, certain: _certain, ...known } = candidate;
    const record: LoopRecord = { ...known, loopIndex, startNs: this.#nowNs(), endNs: null };
    this.#tier.addLoop(loopIndex, record.tid, record.waitCall === null ? LIKELY_CALLS : [record.waitCall]);
    const live = this.#tier.totalsOf(loopIndex);
    const cutter = createWindowCutter(loopIndex, live, readTaskCounters(record.pid, record.tid));
    this.records.push(record);
    this.#watched.set(record.tid, { record, cutter });
  }

  #close(tid: number, record: LoopRecord): void {
    record.endNs = this.#nowNs();
    this.#cutWindow(this.#watched.get(tid)!, record.endNs);
    this.#watched.delete(tid);
    this.#tier.removeLoop(record.loopIndex, tid);
    if (this.hasExited(record.pid)) this.#exits.push({ pid: record.pid, atNs: record.endNs });
  }

  /** Only the bytes are kept during the run: naming addresses (a 10 MB symbol table) would disturb what is watched. */
  #takeStall(bytes: Uint8Array): void {
    if (this.#options.onStall) {
      const bare = (address: bigint) => `0x${address.toString(16)}`;
      const stall = this.#decode(bytes, bare, (_loop, address) => bare(address));
      if (stall) this.#options.onStall(stall);
    }
    if (this.#records.length >= STALL_LIMIT) this.#losses.stallsNotKept++;
    else this.#records.push(bytes.slice());
    this.#symbolsOf(
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(stall_event.at.loop_index, true),
    )?.keepMaps();
  }

  #decodeAll(): Stall[] {
    const kernel = createKallsyms();
    const stalls: Stall[] = [];
    for (const bytes of this.#records) {
      const stall = this.#decode(
        bytes,
        (address) => kernel.symbolize(address),
        (loopIndex, address) => this.#symbolsOf(loopIndex)?.symbolize(address) ?? `0x${address.toString(16)}`,
      );
      if (stall) stalls.push(stall);
      else this.#losses.decodeErrors++;
    }
    return stalls.sort((a, b) => a.startNs - b.startNs);
  }

  #decode(
    bytes: Uint8Array,
    kernelSymbol: (address: bigint) => string,
    userSymbol: (loopIndex: number, address: bigint) => string,
  ): Stall | null {
    return decodeStall(bytes, { startMonoNs: this.#options.clock.startMonoNs, kernelSymbol, userSymbol });
  }

  #symbolsOf(loopIndex: number): UserSymbols | null {
    const pid = this.records[loopIndex]?.pid;
    if (pid === undefined) return null;
    let symbols = this.#userSymbols.get(pid);
    if (!symbols) this.#userSymbols.set(pid, (symbols = createUserSymbols(pid)));
    return symbols;
  }

  /** One budget for all loops, from the cycles of all of them. */
  #settleBudget(): void {
    const sum = new Float64Array(CYCLE_BUCKET_COUNT);
    let cycleCount = 0;
    for (const record of this.records) {
      const live = this.#tier.totalsOf(record.loopIndex);
      for (let bucket = 0; bucket < CYCLE_BUCKET_COUNT; bucket++) {
        const count = live.getUint32(totals.at.work_hist + bucket * 4, true);
        sum[bucket]! += count;
        cycleCount += count;
      }
    }
    if (cycleCount < ENOUGH_CYCLES) return;
    this.#budgetNs = budgetFor(sum);
    this.#budgetSettled = true;
    this.#tier.setBudgetNs(this.#budgetNs);
  }

  #cutWindow({ record, cutter }: Watched, now: number): void {
    const startNs = Math.max(this.#windowStartNs, record.startNs);
    if (now <= startNs) return;
    const live = this.#tier.totalsOf(record.loopIndex);
    const task = readTaskCounters(record.pid, record.tid);
    this.#windows.push(cutter.cut(live, task, startNs, now - startNs));
  }

  /** Cycles over budget that are still under way. */
  #unfinished(now: number): Stall[] {
    const stalls: Stall[] = [];
    for (const { record } of this.#watched.values()) {
      const work = this.#tier.openWork(record.loopIndex);
      if (work === null) continue;
      const startNs = Number(work.startMonoNs - this.#options.clock.startMonoNs);
      if (now - startNs <= this.#budgetNs) continue;
      const stall = unfinishedStall(record, work, startNs, now);
      if (stall) stalls.push(stall);
    }
    return stalls;
  }

  #cutWindows(now: number): void {
    for (const watched of this.#watched.values()) this.#cutWindow(watched, now);
    this.#windowStartNs = now;
  }
}

function readTaskCounters(pid: number, tid: number): TaskCounters | null {
  const stat = readStat(pid, tid);
  const status = readStatus(pid, tid);
  const schedstat = readSchedstat(pid, tid);
  if (!stat || !status || !schedstat) return null;
  return {
    cpuNs: schedstat.cpuNs,
    runDelayNs: schedstat.runDelayNs,
    cpuUserNs: stat.utimeNs,
    cpuSystemNs: stat.stimeNs,
    voluntarySwitches: status.voluntarySwitches,
    involuntarySwitches: status.involuntarySwitches,
    minorFaults: stat.minorFaults,
    majorFaults: stat.majorFaults,
  };
}
