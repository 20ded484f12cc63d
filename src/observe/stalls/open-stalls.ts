/**
 * Cycles over budget that have not ended, and wake-ups that are late already. A stall's record comes when it ends; what
 * takes two seconds, or hangs for good, is told of while it lasts, with where it is stuck by then.
 */

import { syscallName } from '../../kernel/abi/syscall-names.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { formatPlace, type UserSymbols } from '../../kernel/symbols/user-symbols.ts';
import type { LiveListener, OpenStall } from '../../record/live.ts';
import type { BlockedSlice, LoopRecord, Stall } from '../../record/observation.ts';
import { readBlockedStack } from './blocked-stack.ts';
import type { NewestSample, OpenTurn } from './open-turn.ts';
import { createQueuedWaits } from './queued-waits.ts';
import { nameStackRecord } from './stack-unwinder.ts';
import { unfinishedStall } from './unfinished-stall.ts';

export type OpenStallsOptions = {
  nowNs: () => number;
  startMonoNs: bigint;
  /** What a loop is in the middle of; null while it waits as it should. */
  openTurn: (loopIndex: number) => OpenTurn | null;
  newestSample: (loopIndex: number) => NewestSample | null;
  kernelSymbol: (address: bigint) => string;
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
/** From so far apart two looks at the same turn would come too late: one is enough, and a map is read for it each time. */
const SELDOM_NS = 200e6;
const TELL_EVERY_NS = 250e6;
/** Once it has lasted for so long there is no hurry. */
const LONG_NS = 10e9;
const TELL_LONG_EVERY_NS = 2e9;
/** After this without a record of a stall that ended: it did not fit into the ring. */
const RECORD_WITHIN_NS = 500e6;

/** From the wake-up to the end of the wait, once it runs. */
const WAKE_UP_WITHIN_NS = 5e6;

/** Where a turn is that goes on, as seen `atNs`. */
type Place = { userStack: string[]; atNs: number; kernelStack?: string[]; call?: string | null };

/** `onlyBlock`: what it was blocked in at every look; null once that differed, or it was not blocked. */
type Open = { told: OpenStall; toldNs: number; endedNs: number | null; onlyBlock: BlockedSlice | null };

export type OpenStalls = ReturnType<typeof createOpenStalls>;

export function createOpenStalls(options: OpenStallsOptions) {
  const { nowNs, listener } = options;
  const open = new Map<number, Open>();
  const progress = new Map<number, bigint>();
  const queued = createQueuedWaits(() => options.startMonoNs + BigInt(Math.round(nowNs())));
  let lookedNs = Number.NEGATIVE_INFINITY;
  let nextIndex = 0;

  const end = (loopIndex: number, how: 'finished' | 'gone' | 'lost') => {
    const entry = open.get(loopIndex);
    if (!entry) return null;
    open.delete(loopIndex);
    const { openIndex, wallNs } = entry.told;
    listener.onOpenStallEnd({ openIndex, loopIndex, how, wallNs });
    return openIndex;
  };

  /** One that computes was first told of without a sample: the probes came with the suspicion. */
  const canNowSayWhere = (told: OpenStall) =>
    told.state === 'on-cpu' && told.userStackAtNs === null && options.newestSample(told.loopIndex) !== null;

  const whereStuck = (
    record: LoopRecord,
    stall: Stall,
    before: OpenStall | null,
  ): Omit<OpenStall, 'openIndex'> => {
    const { pid, tid, loopIndex } = record;
    const symbols = options.symbolsOf(loopIndex);
    const state = stall.kind === 'wait' ? 'runnable' : stateOf(pid, tid, stall, before?.stall ?? null);
    const place = stall.kind === 'wait' ? null : placeOf(record, state, symbols);
    const block = stall.account.blocked[0];
    return {
      loopIndex,
      startNs: stall.startNs,
      wallNs: stall.wallNs,
      state,
      call: block?.call ?? place?.call ?? null,
      fdPath: block?.fdPath ?? null,
      kernelStack: block?.kernelStack ?? place?.kernelStack ?? [],
      userStack: place?.userStack ?? before?.userStack ?? [],
      userStackAtNs: place?.atNs ?? before?.userStackAtNs ?? null,
      stall,
    };
  };

  /** A thread that stands still can be looked at; one that runs was, at its last CPU sample. */
  const placeOf = (
    record: LoopRecord,
    state: OpenStall['state'],
    symbols: UserSymbols | null,
  ): Place | null => {
    if (state === 'blocked' || state === 'stopped') {
      const userStack = symbols && readBlockedStack(record.pid, record.tid, symbols);
      return userStack && { userStack, atNs: nowNs() };
    }
    const sample = options.newestSample(record.loopIndex);
    if (sample === null) return null;
    const copied = symbols && sample.stackRecord && nameStackRecord(sample.stackRecord, symbols);
    return {
      userStack: copied?.frames ?? sample.userAddresses.map((address) => nameOf(symbols, address)),
      atNs: Number(sample.atMonoNs - options.startMonoNs),
      kernelStack: sample.kernelAddresses.map(options.kernelSymbol),
      call: sample.kernelAddresses.length > 0 && sample.call >= 0 ? syscallName(sample.call) : null,
    };
  };

  const look = (record: LoopRecord, budgetNs: number, isSeldom: boolean) => {
    const { loopIndex } = record;
    const now = nowNs();
    const entry = open.get(loopIndex);
    const before = progress.get(loopIndex);
    const moved = options.progressOf(loopIndex);
    progress.set(loopIndex, moved);
    if (before !== moved) queued.forget(loopIndex);
    if (before !== moved && !entry && !isSeldom) return;
    const turn = options.openTurn(loopIndex) ?? (before === moved ? queued.look(record) : null);
    const startNs = turn === null ? null : Number(turn.startMonoNs - options.startMonoNs);
    if (entry && startNs !== entry.told.startNs) {
      entry.endedNs ??= now;
      if (now - entry.endedNs > RECORD_WITHIN_NS) end(loopIndex, 'lost');
      return;
    }
    if (turn === null || startNs === null || now - startNs < budgetNs + GRACE_NS) return;
    const everyNs = now - startNs > LONG_NS ? TELL_LONG_EVERY_NS : TELL_EVERY_NS;
    if (entry && now - entry.toldNs < everyNs && !canNowSayWhere(entry.told)) return;
    const stall = unfinishedStall(record, turn, startNs, now, options.kernelSymbol);
    if (stall === null) return;
    if (!entry) options.suspect();
    const openIndex = entry?.told.openIndex ?? nextIndex++;
    const told = {
      openIndex,
      ...whereStuck(record, stall, entry?.told ?? null),
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
      if (now - lookedNs < LOOK_EVERY_NS) return;
      const isSeldom = now - lookedNs > SELDOM_NS;
      lookedNs = now;
      queued.begin(progress.size);
      for (const record of records) look(record, budgetNs, isSeldom);
    },
    /** A record came. The number under which its stall was told of while it lasted, or null. */
    finish(stall: Stall): number | null {
      const entry = open.get(stall.loopIndex);
      if (!entry || !isSame(entry.told, stall)) return null;
      entry.told.wallNs = stall.wallNs;
      if (entry.onlyBlock) nameBlock(stall, entry.onlyBlock);
      return end(stall.loopIndex, 'finished');
    },
    /** The thread is no more. */
    remove(loopIndex: number): void {
      progress.delete(loopIndex);
      queued.forget(loopIndex);
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

/**
 * A turn begins at the same moment, through two conversions from nanoseconds of the machine's own clock. A late wake-up is
 * told of from when it was seen, and recorded from when it was due: there is one at a time.
 */
function isSame({ stall: told }: OpenStall, stall: Stall): boolean {
  if (told.kind !== stall.kind) return false;
  if (stall.kind === 'work') return Math.abs(told.startNs - stall.startNs) <= 1000;
  const earliestNs = stall.startNs - WAKE_UP_WITHIN_NS - stall.allowedSlackNs;
  return told.startNs >= earliestNs && told.startNs <= stall.startNs + stall.wallNs;
}

function nameOf(symbols: UserSymbols | null, address: bigint): string {
  return symbols ? formatPlace(symbols.locate(address)) : `0x${address.toString(16)}`;
}

/** Whether a runnable thread has a CPU: by what it got since the last look, or since the cycle began. */
function stateOf(pid: number, tid: number, stall: Stall, before: Stall | null): OpenStall['state'] {
  const state = readStat(pid, tid)?.state ?? 'S';
  if (state === 'T' || state === 't') return 'stopped';
  if (state !== 'R') return 'blocked';
  const onCpuNs = (of: Stall | null) =>
    (of?.account.system ?? []).reduce((sum, part) => sum + part.ns, of?.account.userNs ?? 0);
  const queuedNs = (of: Stall | null) => of?.account.runQueue.totalNs ?? 0;
  return onCpuNs(stall) - onCpuNs(before) >= queuedNs(stall) - queuedNs(before) ? 'on-cpu' : 'runnable';
}
