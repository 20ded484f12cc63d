/**
 * Watching a process from outside: finds its loops, keeps the best tier there is, cuts windows, keeps stalls, and adds it
 * all up into one ObservationRecord. Runs on one thread by short polls; the kernel does the watching in between.
 */

import { LoopscopeError } from '../base/errors.ts';
import type { ObservationRecord } from '../record/observation.ts';
import type { Capability } from '../record/run.ts';
import { createHostSampler } from './host/host-sampler.ts';
import { createListenerWatch } from './host/listeners.ts';
import { createNeighbours } from './host/neighbours.ts';
import { startBpfWatch } from './tiers/bpf-watch.ts';
import { startProcTier } from './tiers/proc-tier.ts';
import type { ObserveOptions, Tier, TierOptions } from './tiers/tier.ts';

export type ObservationHandle = {
  readonly capabilities: Capability[];
  /** Also runs by itself every few milliseconds. */
  poll(): void;
  hasExited(pid: number): boolean;
  /** None of the processes lives that were named, or found since. */
  allGone(): boolean;
  /** Ends the watching and returns all of it. Once. */
  stop(): ObservationRecord;
  [Symbol.dispose](): void;
};

const DEFAULT_WINDOW_NS = 250e6;
const HOST_EVERY_NS = 250e6;
/** For days, perhaps, and for somebody who looks on: a sample is most of what a quiet watch takes. */
const HOST_EVERY_LIVE_NS = 4e9;
const LOOK_EVERY_LIVE_NS = 1e9;
const PROC_POLL_MS = 10;

/** Begins to watch. Throws NO_LOOP_FOUND, and PERMISSION or BPF_LOAD when the tier asked for cannot be had. */
export function startObservation(options: ObserveOptions): ObservationHandle {
  const { clock } = options;
  const windowNs = options.windowNs ?? DEFAULT_WINDOW_NS;
  // The CPU of this thread's polls alone: the whole process also carries the load.
  let pollCpuNs = 0;
  using stack = new DisposableStack();
  const tier = stack.use(chooseTier({ ...options, windowNs, ownCpuNs: () => pollCpuNs }));
  const host = stack.use(createHostSampler({ nowNs: () => clock.nowNs(), loops: () => tier.loops() }));
  const listeners = stack.use(
    createListenerWatch({
      nowNs: () => clock.nowNs(),
      loops: () => tier.loops(),
      ...(options.live && { lookEveryNs: LOOK_EVERY_LIVE_NS }),
    }),
  );
  const neighbours = createNeighbours({
    selfPids: options.selfPids,
    watchedPids: () => tier.loops().map((loop) => loop.pid),
  });
  const startNs = clock.nowNs();
  let nextHostNs = startNs;
  let stopped = false;
  const poll = () => {
    if (stopped) return;
    const before = process.threadCpuUsage();
    tier.poll();
    listeners.poll();
    if (clock.nowNs() >= nextHostNs) {
      nextHostNs += options.live ? HOST_EVERY_LIVE_NS : HOST_EVERY_NS;
      host.sample();
    }
    const used = process.threadCpuUsage(before);
    pollCpuNs += (used.user + used.system) * 1000;
  };
  let timer: NodeJS.Timeout;
  const pollLater = () => {
    timer = setTimeout(() => {
      poll();
      options.onPoll?.(tier);
      if (!stopped) pollLater();
    }, tier.restMs?.() ?? PROC_POLL_MS);
    timer.unref();
  };
  pollLater();
  stack.defer(() => {
    stopped = true;
    clearTimeout(timer);
  });
  const owned = stack.move();

  return {
    capabilities: tier.capabilities,
    poll,
    hasExited: (pid) => tier.hasExited(pid),
    allGone: () => tier.allGone(),
    stop() {
      poll();
      stopped = true;
      host.sample();
      const endNs = clock.nowNs();
      const listening = listeners.finish();
      const { cost, ...seen } = tier.finish();
      const record: ObservationRecord = {
        tier: tier.name,
        startNs,
        endNs,
        windowNs,
        ...seen,
        host: host.samples,
        neighbours: neighbours.finish(),
        ...(listening && { listeners: listening }),
        cost: { ...cost, ownCpuNs: pollCpuNs, wallNs: endNs - startNs },
      };
      owned.dispose();
      return record;
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function chooseTier(options: TierOptions): Tier {
  if (options.tier === 'proc') return startProc(options, 'not asked for (--tier proc)');
  try {
    return startBpfWatch(options);
  } catch (error) {
    const refused =
      error instanceof LoopscopeError && (error.code === 'PERMISSION' || error.code === 'BPF_LOAD');
    if (!refused || options.tier === 'bpf') throw error;
    return startProc(options, error.message.split('\n')[0]!);
  }
}

function startProc(options: TierOptions, whyNoBpf: string): Tier {
  const tier = startProcTier({
    pids: options.pids,
    nowNs: () => options.clock.nowNs(),
    windowNs: options.windowNs,
    selfPids: options.selfPids,
    ownCpuNs: options.ownCpuNs,
    ...(options.findPids && { findPids: options.findPids }),
    ...(options.live && { live: options.live }),
  });
  const bpf: Capability = {
    name: 'bpf',
    available: false,
    reason: whyNoBpf,
    hides: 'single cycles and stalls, who ran instead, blocking calls and stacks',
  };
  return {
    name: 'proc',
    capabilities: [bpf, ...tier.capabilities],
    poll: () => tier.poll(),
    hasExited: (pid) => tier.hasExited(pid),
    allGone: () => tier.allGone(),
    loops: () => tier.loops(),
    finish() {
      return {
        budgetNs: options.budgetNs ?? 0,
        stalls: [],
        ...tier.stop(),
        cost: { programs: [], sampledShare: 0, armedNs: 0, tierChanges: [] },
        losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
      };
    },
    [Symbol.dispose]: () => tier[Symbol.dispose](),
  };
}
