/**
 * Cycles over budget that have not ended. A stall's record comes when it ends; what takes two seconds, or hangs for
 * good, is told of while it lasts, with where it is stuck by then.
 */

import { readStat } from '../kernel/proc/process-stat.ts';
import type { UserSymbols } from '../kernel/symbols/user-symbols.ts';
import type { LiveListener, OpenStall } from '../record/live.ts';
import type { BlockedSlice, LoopRecord, Stall } from '../record/observation.ts';
import { readBlockedStack } from './blocked-stack.ts';
import type { OpenWork } from './bpf-tier.ts';
import { unfinishedStall } from './unfinished-stall.ts';

export type OpenStallsOptions = {
  nowNs: () => number;
  startMonoNs: bigint;
  /** The work a loop is in the middle of; null while it waits. */
  openWork: (loopIndex: number) => OpenWork | null;
  /** Cycles that ended so far: what has moved on since the last look is not stuck, and need not be looked at. */
  progressOf: (loopIndex: number) => bigint;
  symbolsOf: (loopIndex: number) => UserSymbols | null;
  listener: Pick<LiveListener, 'onOpenStall' | 'onOpenStallEnd'>;
  /** Reason to look closer from now on. */
  suspect: () => void;
};

/** Beyond the budget: shorter stalls are told of by their record, which comes a moment after their end. */
const GRACE_NS = 50e6;
const LOOK_EVERY_NS = 50e6;
const TELL_EVERY_NS = 250e6;
/** Once it has lasted for so long there is no hurry. */
const LONG_NS = 10e9;
const TELL_LONG_EVERY_NS = 2e9;
/** After this without a record of a stall that ended: it did not fit into the ring. */
const RECORD_WITHIN_NS = 500e6;

/** `onlyBlock`: what it was blocked in at every look; null once that differed, or it was not blocked. */
type Open = { told: OpenStall; toldNs: number; endedNs: number | null; onlyBlock: BlockedSlice | null };

export type OpenStalls = ReturnType<typeof createOpenStalls>;

export function createOpenStalls(options: OpenStallsOptions) {
  const { nowNs, listener } = options;
  const open = new Map<number, Open>();
  const progress = new Map<number, bigint>();
  let nextLookNs = 0;
  let nextIndex = 0;

  const end = (loopIndex: number, how: 'finished' | 'gone' | 'lost') => {
    const entry = open.get(loopIndex);
    if (!entry) return null;
    open.delete(loopIndex);
    const { openIndex, wallNs } = entry.told;
    listener.onOpenStallEnd({ openIndex, loopIndex, how, wallNs });
    return openIndex;
  };

  const look = (record: LoopRecord, budgetNs: number) => {
    const { loopIndex } = record;
    const now = nowNs();
    const entry = open.get(loopIndex);
    const before = progress.get(loopIndex);
    const moved = options.progressOf(loopIndex);
    progress.set(loopIndex, moved);
    if (before !== moved && !entry) return;
    const work = options.openWork(loopIndex);
    const startNs = work === null ? null : Number(work.startMonoNs - options.startMonoNs);
    if (entry && startNs !== entry.told.startNs) {
      entry.endedNs ??= now;
      if (now - entry.endedNs > RECORD_WITHIN_NS) end(loopIndex, 'lost');
      return;
    }
    if (work === null || startNs === null || now - startNs < budgetNs + GRACE_NS) return;
    const everyNs = now - startNs > LONG_NS ? TELL_LONG_EVERY_NS : TELL_EVERY_NS;
    if (entry && now - entry.toldNs < everyNs) return;
    const stall = unfinishedStall(record, work, startNs, now);
    if (stall === null) return;
    if (!entry) options.suspect();
    const openIndex = entry?.told.openIndex ?? nextIndex++;
    const told = {
      openIndex,
      ...whereStuck(record, stall, options.symbolsOf(loopIndex), entry?.told ?? null, now),
    };
    const block = stall.account.blocked[0] ?? null;
    const onlyBlock = entry && entry.onlyBlock?.call !== block?.call ? null : block;
    open.set(loopIndex, { told, toldNs: now, endedNs: null, onlyBlock });
    listener.onOpenStall(told);
  };

  return {
    /** Looks at all loops, now and then. */
    step(records: Iterable<LoopRecord>, budgetNs: number): void {
      const now = nowNs();
      if (now < nextLookNs) return;
      nextLookNs = now + LOOK_EVERY_NS;
      for (const record of records) look(record, budgetNs);
    },
    /** A record came. The number under which its stall was told of while it lasted, or null. */
    finish(stall: Stall): number | null {
      const entry = open.get(stall.loopIndex);
      // The same moment, through two conversions from nanoseconds of the machine's own clock.
      if (stall.kind !== 'work' || !entry || Math.abs(entry.told.startNs - stall.startNs) > 1000) return null;
      entry.told.wallNs = stall.wallNs;
      if (entry.onlyBlock) nameBlock(stall, entry.onlyBlock);
      return end(stall.loopIndex, 'finished');
    },
    /** The thread is no more. */
    remove(loopIndex: number): void {
      progress.delete(loopIndex);
      end(loopIndex, 'gone');
    },
  };
}

/** Counters tell how long it was blocked and not in what; that was seen while it lasted, each time the same. */
function nameBlock(stall: Stall, seen: BlockedSlice): void {
  const slice = stall.account.blocked.find(({ call }) => call === 'unknown');
  if (stall.detail !== 'counters' || !slice || seen.call === 'unknown') return;
  const { call, fd, fdPath, uninterruptible, kernelStack } = seen;
  Object.assign(slice, { call, fd, fdPath, uninterruptible, kernelStack });
}

function whereStuck(
  record: LoopRecord,
  stall: Stall,
  symbols: UserSymbols | null,
  before: OpenStall | null,
  nowNs: number,
): Omit<OpenStall, 'openIndex'> {
  const { pid, tid, loopIndex } = record;
  const block = stall.account.blocked[0];
  const state = stateOf(pid, tid, stall, before?.stall ?? null);
  const frames =
    (state === 'blocked' || state === 'stopped') && symbols ? readBlockedStack(pid, tid, symbols) : null;
  return {
    loopIndex,
    startNs: stall.startNs,
    wallNs: stall.wallNs,
    state,
    call: block?.call ?? null,
    fdPath: block?.fdPath ?? null,
    kernelStack: block?.kernelStack ?? [],
    userStack: frames ?? before?.userStack ?? [],
    userStackAtNs: frames ? nowNs : (before?.userStackAtNs ?? null),
    stall,
  };
}

/** Whether a runnable thread has a CPU: by what it got since the last look, or since the cycle began. */
function stateOf(pid: number, tid: number, stall: Stall, before: Stall | null): OpenStall['state'] {
  const state = readStat(pid, tid)?.state ?? 'S';
  if (state === 'T' || state === 't') return 'stopped';
  if (state !== 'R') return 'blocked';
  const onCpuNs = (of: Stall | null) => (of?.account.system ?? []).reduce((sum, part) => sum + part.ns, 0);
  const queuedNs = (of: Stall | null) => of?.account.runQueue.totalNs ?? 0;
  return onCpuNs(stall) - onCpuNs(before) >= queuedNs(stall) - queuedNs(before) ? 'on-cpu' : 'runnable';
}
