/**
 * Runs made up for tests: a quiet two-worker server under 2000 requests a second for ten seconds, to which a test adds
 * one fault at a time. Times are given in ms where that reads better.
 */
import { NS_PER_MS } from '../../base/units.ts';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';
import type {
  BlockedSlice,
  CycleWindow,
  HostSample,
  LoopRecord,
  NeighbourRecord,
  ObservationRecord,
  Stall,
  StallAccount,
} from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import {
  DURATION_NS,
  histogram,
  MASTER_CGROUP,
  NEIGHBOUR,
  quietValues,
  type Spread,
} from './quiet-values.ts';

export { histogram, SELF_PID, type Spread } from './quiet-values.ts';

export function emptyAccount(): StallAccount {
  return {
    userNs: 0,
    system: [],
    irqNs: 0,
    stealNs: 0,
    runQueue: { totalNs: 0, contended: [], idleNs: 0, unknownNs: 0 },
    blocked: [],
    unexplainedNs: 0,
  };
}

export function blockedIn(call: string, ms: number, more: Partial<BlockedSlice> = {}): BlockedSlice {
  return {
    call,
    ns: ms * NS_PER_MS,
    count: 1,
    fd: null,
    fdPath: null,
    uninterruptible: false,
    waker: null,
    kernelStack: [],
    ...more,
  };
}

/** Parts of a stall in ms; what wallMs leaves over is unexplained. */
export type StallParts = {
  kind?: Stall['kind'];
  wallMs: number;
  loop?: number;
  events?: number;
  userMs?: number;
  systemMs?: [call: string, ms: number][];
  irqMs?: number;
  stealMs?: number;
  contended?: [pid: number, comm: string, ms: number, kernelThread?: boolean][];
  idleMs?: number;
  queuedMs?: number;
  blocked?: BlockedSlice[];
  more?: Partial<Stall>;
};

export function stallOf(parts: StallParts, startMs: number): Stall {
  const account = emptyAccount();
  account.userNs = (parts.userMs ?? 0) * NS_PER_MS;
  account.system = (parts.systemMs ?? []).map(([call, ms]) => ({ call, ns: ms * NS_PER_MS }));
  account.irqNs = (parts.irqMs ?? 0) * NS_PER_MS;
  account.stealNs = (parts.stealMs ?? 0) * NS_PER_MS;
  account.blocked = parts.blocked ?? [];
  account.runQueue.contended = (parts.contended ?? []).map(([pid, comm, ms, kernelThread]) => ({
    pid,
    comm,
    kernelThread: kernelThread ?? false,
    ns: ms * NS_PER_MS,
  }));
  account.runQueue.idleNs = (parts.idleMs ?? 0) * NS_PER_MS;
  account.runQueue.unknownNs = (parts.queuedMs ?? 0) * NS_PER_MS;
  account.runQueue.totalNs =
    sum(account.runQueue.contended.map((c) => c.ns)) + account.runQueue.idleNs + account.runQueue.unknownNs;
  const wallNs = parts.wallMs * NS_PER_MS;
  account.unexplainedNs = Math.max(0, wallNs - accountedNs(account));
  return {
    loopIndex: parts.loop ?? 0,
    kind: parts.kind ?? 'work',
    startNs: startMs * NS_PER_MS,
    wallNs,
    eventCount: parts.events ?? 1,
    peekCount: 0,
    requestedTimeoutNs: parts.kind === 'wait' ? -1 : null,
    allowedSlackNs: 0,
    cpu: parts.loop ?? 0,
    detail: 'full',
    account,
    minorFaults: 0,
    majorFaults: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    stacks: [],
    ...parts.more,
  };
}

export function accountedNs(account: StallAccount): number {
  return (
    account.userNs +
    sum(account.system.map((part) => part.ns)) +
    account.irqNs +
    account.stealNs +
    account.runQueue.totalNs +
    sum(account.blocked.map((slice) => slice.ns))
  );
}

/** A run under construction. Every method changes it and returns it. */
export type RunBuilder = {
  readonly run: Run;
  /** Adds `count` stalls, spread evenly over the run, and their time to the loop's window. */
  stalls(count: number, parts: StallParts): RunBuilder;
  loop(index: number, change: Partial<LoopRecord>): RunBuilder;
  /** Changes the only window of a loop. */
  window(index: number, change: Partial<CycleWindow>): RunBuilder;
  neighbour(change: Partial<NeighbourRecord> & { pid: number; comm: string }): RunBuilder;
  /** Throttling of a cgroup over the run. */
  throttled(ms: number, periods: number, path?: string): RunBuilder;
  /** Host counters at the end of the run (at the start all are 0). */
  host(change: Partial<HostSample>): RunBuilder;
  /** Steal on both CPUs, in ms over the run. */
  hostSteal(ms: number): RunBuilder;
  response(spread: Spread, censored?: Spread): RunBuilder;
  lateness(spread: Spread): RunBuilder;
  load(change: Partial<LoadRecord>): RunBuilder;
  counts(change: Partial<OutcomeCounts>): RunBuilder;
  observation(change: Partial<ObservationRecord>): RunBuilder;
  /** Only /proc was read: no cycles, no stalls. */
  procTier(): RunBuilder;
  unwatched(): RunBuilder;
  undriven(): RunBuilder;
};

export function quietRun(): RunBuilder {
  const run = quietValues();
  const observation = run.observation!;
  const load = run.load!;
  const builder: RunBuilder = {
    run,
    stalls(count, parts) {
      for (let i = 0; i < count; i++) {
        const stall = stallOf(parts, 50 + (i * (DURATION_NS / NS_PER_MS - 100)) / count);
        observation.stalls.push(stall);
        accountToWindow(observation.windows[stall.loopIndex]!, stall);
      }
      observation.stalls.sort((a, b) => a.startNs - b.startNs);
      return builder;
    },
    loop: (index, change) => chain(Object.assign(observation.loops[index]!, change)),
    window: (index, change) => chain(Object.assign(observation.windows[index]!, change)),
    neighbour: (change) => chain(observation.neighbours.push({ ...NEIGHBOUR, ...change })),
    throttled(ms, periods, path = MASTER_CGROUP) {
      const sample = { path, periodCount: 0, throttledCount: 0, throttledNs: 0 };
      observation.host[0]!.cgroups = [sample];
      observation.host[1]!.cgroups = [
        { path, periodCount: 100, throttledCount: periods, throttledNs: ms * NS_PER_MS },
      ];
      return builder;
    },
    host: (change) => chain(Object.assign(observation.host[1]!, change)),
    hostSteal(ms) {
      for (const cpu of observation.host[1]!.cpus) cpu.stealNs = (ms * NS_PER_MS) / 2;
      return builder;
    },
    response(spread, censored = []) {
      load.total.response = histogram(spread);
      load.total.service = histogram(spread);
      load.total.censored = histogram(censored);
      return builder;
    },
    lateness(spread) {
      load.total.lateness = histogram(spread);
      return builder;
    },
    load: (change) => chain(Object.assign(load, change)),
    counts: (change) => chain(Object.assign(load.counts, change)),
    observation: (change) => chain(Object.assign(observation, change)),
    procTier() {
      observation.tier = 'proc';
      observation.stalls = [];
      for (const window of observation.windows) {
        Object.assign(window, { cycleCount: 0, eventCount: 0, workNs: 0, waitNs: 0, timeoutCount: 0 });
        Object.assign(window, {
          workHistogram: [],
          eventHistogram: [],
          overshootHistogram: [],
          blockedShare: 0,
        });
      }
      return builder;
    },
    unwatched: () => chain((run.observation = null)),
    undriven: () => chain((run.load = null)),
  };
  const chain = (_done: unknown): RunBuilder => builder;
  return builder;
}

/** Stalled time moves from waiting to working, and onto the run queue or the CPU as the account says. */
function accountToWindow(window: CycleWindow, stall: Stall): void {
  const onCpuNs = stall.account.userNs + sum(stall.account.system.map((part) => part.ns));
  window.runDelayNs += stall.account.runQueue.totalNs;
  window.cpuNs += onCpuNs;
  window.majorFaults += stall.majorFaults;
  if (stall.kind === 'wait') return;
  window.workNs += stall.wallNs;
  window.waitNs = Math.max(0, window.waitNs - stall.wallNs);
  window.eventCount += stall.eventCount;
  window.cycleCount++;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
