/**
 * How connections reach the loops: who listens on what, who took how many, and the wake-ups that came to nothing.
 *
 * A herd has two faces. A worker may return from its wait, call accept and find nobody: EAGAIN, counted by the observer.
 * Or the kernel, about to return, looks once more whether the listener is still ready (ep_send_events, fs/eventpoll.c),
 * sees that another was faster, and puts the worker back to sleep: a context switch and no cycle. With few CPUs most of
 * a herd ends there, because only as many workers as there are CPUs can run at the same moment.
 */
import { greatestOf } from '../../base/extremes.ts';
import type { CycleWindow, ListenerRecord, ObservationRecord } from '../../record/observation.ts';
import type { LoopFacts } from './loops.ts';
import { amount, ratio, sumBy } from './numbers.ts';

/** One loop of a group. */
export type AcceptingLoop = {
  loop: LoopFacts;
  accepts: number;
  /** First accepts of a cycle that found nobody. */
  vain: number;
  windows: CycleWindow[];
};

/** All listeners that the same processes hold, and the loops that accept from them. */
export type AcceptGroup = {
  /** For texts: "127.0.0.1:80", or "127.0.0.1:80 and 1 more". */
  address: string;
  listeners: ListenerRecord[];
  /** Several sockets with one address: SO_REUSEPORT. */
  isReuseport: boolean;
  loops: AcceptingLoop[];
  accepts: number;
  /** First accepts that found nobody: the herd as programs see it. */
  vain: number;
  /** Cycles of all its loops. */
  cycles: number;
  /** Workers that the kernel wakes together for one connection: those that watch a listener without EPOLLEXCLUSIVE. */
  sharedWatchers: number;
  exclusiveWatchers: number;
  /** Sleeps that ended without a cycle, at most those that sharing can explain. */
  turnedBack: number;
  /** Of all their wake-ups, those that came to nothing. */
  vainShare: number;
  vainPerConnection: number;
};

export function acceptGroupsOf(record: ObservationRecord, loops: readonly LoopFacts[]): AcceptGroup[] {
  const byHolders = new Map<string, ListenerRecord[]>();
  for (const listener of record.listeners ?? []) {
    // Sockets with one address belong together even when each worker holds only its own.
    const key = `${listener.transport} ${listener.address}`;
    const same = byHolders.get(key);
    if (same) same.push(listener);
    else byHolders.set(key, [listener]);
  }
  const merged = new Map<string, ListenerRecord[]>();
  for (const listeners of byHolders.values()) {
    const pids = [...new Set(listeners.flatMap(({ holders }) => holders.map(({ pid }) => pid)))].sort();
    const key = pids.join();
    merged.set(key, [...(merged.get(key) ?? []), ...listeners]);
  }
  return [...merged.values()].map((listeners) => groupOf(listeners, record.windows, loops));
}

function groupOf(
  listeners: ListenerRecord[],
  windows: readonly CycleWindow[],
  all: readonly LoopFacts[],
): AcceptGroup {
  const loops = acceptorsOf(listeners, windows, all);
  const accepts = sumBy(loops, (entry) => entry.accepts);
  const vain = sumBy(loops, (entry) => entry.vain);
  const cycles = sumBy(loops, (entry) => entry.loop.cycleCount);
  const sharedWatchers = mostWatchers(listeners, 'shared');
  const turnedBack = sharedWatchers < 2 ? 0 : turnedBackBy(loops, accepts, sharedWatchers);
  const nothing = vain + turnedBack;
  const [first] = listeners;
  const addresses = new Set(listeners.map(({ address }) => address));
  return {
    address: `${first!.address}${addresses.size > 1 ? ` and ${addresses.size - 1} more` : ''}`,
    listeners,
    isReuseport: listeners.length > addresses.size,
    loops,
    accepts,
    vain,
    cycles,
    sharedWatchers,
    exclusiveWatchers: mostWatchers(listeners, 'exclusive'),
    turnedBack,
    vainShare: ratio(nothing, Math.max(cycles, vain) + turnedBack),
    vainPerConnection: accepts > 0 ? nothing / accepts : 0,
  };
}

/**
 * The loops that take connections from these listeners. A master keeps them open without watching them; in a process with
 * several loops those that never accepted are other things (a dispatcher's workers).
 */
function acceptorsOf(
  listeners: readonly ListenerRecord[],
  windows: readonly CycleWindow[],
  all: readonly LoopFacts[],
): AcceptingLoop[] {
  const watching = new Map<number, boolean>();
  for (const { holders } of listeners) {
    for (const { pid, watch } of holders) watching.set(pid, (watching.get(pid) ?? false) || watch !== 'none');
  }
  const perPid = new Map<number, number>();
  for (const { record } of all) perPid.set(record.pid, (perPid.get(record.pid) ?? 0) + 1);
  return all.flatMap((loop) => {
    const inEpoll = watching.get(loop.record.pid);
    if (inEpoll === undefined) return [];
    // A ring accepts without an epoll set, and without calls that could be counted.
    const isWatching = inEpoll || loop.record.waitCall === 'io_uring_enter';
    const own = windows.filter((window) => window.loopIndex === loop.loopIndex);
    const accepts = sumBy(own, (w) => amount(w.acceptCount));
    const vain = sumBy(own, (w) => amount(w.acceptFirstEagainCount));
    if (accepts + vain === 0 && (!isWatching || perPid.get(loop.record.pid)! > 1)) return [];
    return [{ loop, accepts, vain, windows: own }];
  });
}

/** Processes that watch the same socket that way. */
function mostWatchers(listeners: readonly ListenerRecord[], how: 'shared' | 'exclusive'): number {
  return Math.max(0, ...listeners.map(({ holders }) => holders.filter(({ watch }) => watch === how).length));
}

/**
 * A loop sleeps in its wait, so each sleep should end in a cycle; what ends in none was put back to sleep. A connection
 * wakes each of the others once at most. A busy loop's waits often end without a sleep, so this is a lower bound.
 */
function turnedBackBy(loops: readonly AcceptingLoop[], accepts: number, watchers: number): number {
  let sleeps = 0;
  for (const { loop } of loops) sleeps += amount(loop.voluntarySwitches - loop.cycleCount);
  return Math.min(sleeps, accepts * (watchers - 1));
}

/** Busiest acceptor's connections over the mean; 1 is even. */
export function unevenness(values: readonly number[]): number {
  const sum = sumBy(values, (value) => value);
  return sum === 0 ? 1 : (greatestOf(values) * values.length) / sum;
}
