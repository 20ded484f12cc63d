/**
 * Every nanosecond that a loop lost is a slice with one cause. A stall's account becomes slices here; what the account
 * leaves open (who ran instead, which call) keeps an open cause, for the estimates of excess.ts.
 */
import type { BlockedSlice, Stall } from '../../record/observation.ts';
import type { CulpritId } from '../finding.ts';
import { STALL } from '../limits.ts';
import type { Actor, ActorBook } from './actors.ts';
import { blockedCause, isSyncToDisk, isWriteCall } from './blocked-call.ts';
import type { ThrottleFacts } from './host.ts';
import type { LoopFacts } from './loops.ts';
import { amount, sumBy } from './numbers.ts';

/** Lost time that no culprit of this version answers for, in words that fit after "of the excess is". */
export const UNNAMED = {
  'open.run-queue': 'time queueing for a CPU without a record of who ran instead',
  'open.blocked': 'time blocked without a record of the call',
  'open.idle-cpu': 'time runnable while the CPU was idle and no quota was at work (a slow exit from idle)',
  'open.interrupts': 'time in interrupts',
  'open.kernel-cpu': 'CPU time inside the kernel',
  'open.fault-lock': 'page faults that waited without reading from storage',
  'open.residual': 'time that no counter accounts for',
} as const;

export type Unnamed = keyof typeof UNNAMED;

/** 'self': loopscope's own threads held the CPU. */
export type Cause = CulpritId | 'self' | Unnamed;

export type Slice = {
  cause: Cause;
  ns: number;
  loopIndex: number;
  /** Index into the record's stalls; null for time lost outside stalls. */
  stallIndex: number | null;
  /** The kind of that stall; null for time lost outside stalls. */
  phase: Stall['kind'] | null;
  /** How many separate delays it stands for. */
  count: number;
  actor: Actor | null;
  blocked: BlockedSlice | null;
  /** The record does not say it of this very time: it was inferred from other stalls or from CPU totals. */
  estimated: boolean;
};

export type SliceContext = {
  budgetNs: number;
  actors: ActorBook;
  loop: LoopFacts;
  throttle: ThrottleFacts | null;
  /** CPU samples were taken in this run: a turn that computed must show some. */
  sampled: boolean;
};

export type StallSlices = { slices: Slice[]; withinSlack: boolean };

/** The slices of one stall; none when it is a timed-out wait within its legal slack. */
export function slicesOfStall(stall: Stall, stallIndex: number, context: SliceContext): StallSlices {
  if (isWithinSlack(stall)) return { slices: [], withinSlack: true };
  const { account } = stall;
  const slices: Slice[] = [];
  const add = (cause: Cause, ns: number, more: Partial<Slice> = {}) => {
    if (amount(ns) > 0) slices.push({ ...blank(stall, stallIndex), cause, ns, ...more });
  };
  add('cpu.steal', account.stealNs);
  add('open.interrupts', account.irqNs);
  addRunQueue(stall, context, add);
  for (const blocked of account.blocked) {
    const wokenByOwn = blocked.waker !== null && isOwn(blocked.waker, context);
    const cause = blockedCause(blocked, stall.majorFaults, wokenByOwn);
    const open = blocked.call === 'page-fault' ? 'open.fault-lock' : 'open.blocked';
    add(cause === 'unnamed' ? open : cause, blocked.ns, { blocked, count: Math.max(1, blocked.count) });
  }
  add('open.residual', amount(account.unexplainedNs) - amount(stall.allowedSlackNs));
  addOnCpu(stall, context, add);
  return { slices, withinSlack: false };
}

/** Pids are of processes: a worker of the same server, or another thread of this one. */
function isOwn(waker: { pid: number; comm: string }, context: SliceContext): boolean {
  return context.actors.actorOf(waker.pid, waker.comm, false).kind === 'sibling';
}

type Add = (cause: Cause, ns: number, more?: Partial<Slice>) => void;

function blank(stall: Stall, stallIndex: number): Slice {
  return {
    cause: 'open.residual',
    ns: 0,
    loopIndex: stall.loopIndex,
    stallIndex,
    phase: stall.kind,
    count: 1,
    actor: null,
    blocked: null,
    estimated: false,
  };
}

function isWithinSlack(stall: Stall): boolean {
  return (
    stall.kind === 'wait' &&
    amount(stall.requestedTimeoutNs) > 0 &&
    stall.wallNs <= amount(stall.allowedSlackNs) + STALL.slackGraceNs
  );
}

/**
 * A proven quota takes its share of the delay first, whoever used the CPU meanwhile: throttled, the loop could not
 * have run. An idle CPU corroborates, so that part is charged to the quota before any of the neighbours'.
 */
function addRunQueue(stall: Stall, context: SliceContext, add: Add): void {
  const { runQueue } = stall.account;
  const rivals = runQueue.contended.filter((rival) => rival.pid !== 0);
  const idleNs = amount(runQueue.idleNs) + sumBy(runQueue.contended, (r) => (r.pid === 0 ? r.ns : 0));
  const unknownNs = amount(runQueue.unknownNs);
  const rivalNs = sumBy(rivals, (rival) => rival.ns);
  const quotaNs = context.throttle?.proven ? context.throttle.share * (idleNs + unknownNs + rivalNs) : 0;
  let left = quotaNs;
  const charge = (ns: number): number => {
    const charged = Math.min(left, ns);
    left -= charged;
    return ns - charged;
  };
  add('open.idle-cpu', charge(idleNs));
  add('open.run-queue', charge(unknownNs));
  const rivalShare = rivalNs > 0 ? charge(rivalNs) / rivalNs : 0;
  add('cpu.throttled', quotaNs - left);
  for (const rival of rivals) {
    const actor = context.actors.actorOf(rival.pid, rival.comm, rival.kernelThread);
    add(runQueueCause(actor, stall.kind, context.actors), amount(rival.ns) * rivalShare, { actor });
  }
}

export function runQueueCause(actor: Actor, phase: Stall['kind'], book: ActorBook): Cause {
  if (actor.kind === 'self' || (actor.kind === 'sibling' && book.crowdedBySelf)) return 'self';
  if (actor.kind === 'kernel') return 'cpu.kernel-thread';
  return phase === 'wait' ? 'cpu.contended' : 'cpu.preempted';
}

/**
 * CPU time is lost time only when it is over budget by itself: otherwise it is the turn's usual work, which something
 * else stretched. Usual work on that many events is told from extra work by what an unstalled event costs.
 */
function addOnCpu(stall: Stall, context: SliceContext, add: Add): void {
  const { account } = stall;
  const synced =
    account.blocked.some((slice) => isSyncToDisk(slice.call)) ||
    account.system.some((part) => isSyncToDisk(part.call));
  let systemNs = 0;
  let syncNs = 0;
  for (const part of account.system) {
    if (isSyncToDisk(part.call) || (synced && isWriteCall(part.call))) syncNs += amount(part.ns);
    else systemNs += amount(part.ns);
  }
  const userNs = amount(account.userNs);
  const cpuNs = userNs + systemNs;
  const guilty = stall.kind === 'work' && cpuNs + syncNs >= context.budgetNs;
  if (synced) add('io.fsync', syncNs);
  if (!guilty) return;
  const idle = context.sampled && lacksSamples(stall, cpuNs);
  const cause = idle ? 'open.residual' : onCpuCause(stall, context, userNs, cpuNs);
  if (cause) add(cause, cpuNs);
}

/**
 * The scheduler counts a thread as running while the hypervisor has stopped its CPU; the sampling clock stops too. A
 * long stay on the CPU with hardly a sample was not computing.
 */
function lacksSamples(stall: Stall, cpuNs: number): boolean {
  if (stall.detail !== 'full' || cpuNs < STALL.sampledFromNs) return false;
  const expected = Math.min(STALL.samplesKept, cpuNs / STALL.sampleNs);
  return sumBy(stall.stacks, (stack) => stack.count) < STALL.sampledShare * expected;
}

/** Null: usual work, at its usual cost. A loop with too much of it is saturated, not late. */
function onCpuCause(stall: Stall, context: SliceContext, userNs: number, cpuNs: number): Cause | null {
  const { loop, budgetNs } = context;
  const eventCount = Math.max(1, amount(stall.eventCount));
  const usualEvents = Math.max(1, loop.eventsP50 ?? 1);
  const predictedNs = (loop.normalEventNs ?? 0) * eventCount;
  const mostlyExtra = cpuNs - predictedNs > STALL.heavyExtraShare * cpuNs;
  const crowd = eventCount >= Math.max(STALL.manyEventsFloor, STALL.manyEventsFactor * usualEvents);
  if (crowd && !mostlyExtra) return 'loop.too-many-events';
  const heavyEach = cpuNs / eventCount >= STALL.heavyEventBudgets * budgetNs;
  if (!mostlyExtra && !heavyEach) return null;
  return userNs >= STALL.heavyUserShare * cpuNs ? 'loop.heavy-handler' : 'open.kernel-cpu';
}
