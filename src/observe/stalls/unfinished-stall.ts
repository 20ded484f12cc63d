/**
 * A cycle that is over budget and has not ended: a hang that outlasts the run sends no record of itself. What is known
 * of it comes from the probes' own state when the scheduler probes saw it begin, else from the task's counters since the
 * work began; and from /proc, what it is blocked in.
 */
import { syscallName } from '../../kernel/abi/syscall-names.ts';
import { readDescriptor } from '../../kernel/proc/descriptors.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { readProcText } from '../../kernel/proc/read-text.ts';
import { readSchedstat } from '../../kernel/proc/schedstat.ts';
import { readCurrentSyscall } from '../../kernel/proc/syscall-wchan.ts';
import type {
  BlockedSlice,
  LoopRecord,
  RunQueueAccount,
  Stall,
  StallAccount,
} from '../../record/observation.ts';
import { takesDescriptor } from './descriptor-calls.ts';
import type { LateWake, OpenTurn, OpenWork, Ownership, SeenTurn } from './open-turn.ts';
import { accountSoFar, runQueueOf } from './stall-decoder.ts';

/** Null when the thread is gone. `wallNs` is its age now: it may yet grow. `nowNs`: read before the turn was. */
export function unfinishedStall(
  record: LoopRecord,
  turn: OpenTurn,
  startNs: number,
  nowNs: number,
  kernelSymbol: (address: bigint) => string,
): Stall | null {
  const { loopIndex } = record;
  const common = { loopIndex, startNs, wallNs: nowNs - startNs, cpu: turn.cpu, ...UNCOUNTED };
  if (turn.kind === 'wait') return { ...common, ...lateWakeUp(turn, common.wallNs) };
  const account = turn.seen
    ? seenAccount(record, turn, turn.seen, common.wallNs, kernelSymbol)
    : countedAccount(record, turn, common.wallNs);
  if (account === null) return null;
  return {
    ...common,
    kind: 'work',
    eventCount: turn.eventCount,
    peekCount: turn.peekCount,
    requestedTimeoutNs: null,
    detail: turn.seen ? 'full' : 'counters',
    account,
  };
}

const UNCOUNTED = {
  allowedSlackNs: 0,
  minorFaults: 0,
  majorFaults: 0,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
  stacks: [],
};

type WaitParts = Pick<
  Stall,
  'kind' | 'eventCount' | 'peekCount' | 'requestedTimeoutNs' | 'detail' | 'account'
>;

function lateWakeUp(turn: LateWake, wallNs: number): WaitParts {
  const runQueue = runQueueOf(turn.stall, wallNs);
  chargeRest(runQueue, turn.owner);
  return {
    kind: 'wait',
    eventCount: 0,
    peekCount: 0,
    requestedTimeoutNs: turn.timeoutNs,
    detail: 'full',
    account: { userNs: 0, system: [], irqNs: 0, stealNs: 0, runQueue, blocked: [], unexplainedNs: 0 },
  };
}

/** What is not yet charged to anybody is the doing of who has the CPU now. */
function chargeRest(runQueue: RunQueueAccount, { holder, isThrottled }: Ownership): void {
  const restNs = runQueue.unknownNs;
  if (restNs === 0 || !(isThrottled || holder)) return;
  const known = runQueue.contended.find(({ pid }) => pid === holder?.pid);
  if (isThrottled) runQueue.throttledNs = (runQueue.throttledNs ?? 0) + restNs;
  if (isThrottled || holder?.pid === 0) runQueue.idleNs += restNs;
  else if (known) known.ns += restNs;
  else if (holder) runQueue.contended.push({ ...holder, ns: restNs });
  runQueue.unknownNs = 0;
  runQueue.contended.sort((a, b) => b.ns - a.ns);
}

/** The probes' account of what is over, and what goes on now on top. */
function seenAccount(
  { pid, tid }: LoopRecord,
  turn: OpenWork,
  seen: SeenTurn,
  wallNs: number,
  kernelSymbol: (address: bigint) => string,
): StallAccount | null {
  const nowNs = clamp(wallNs - Number(seen.sinceMonoNs - turn.startMonoNs), wallNs);
  const account = accountSoFar(
    seen.stall,
    wallNs,
    { onCpuNs: seen.now === 'running' ? nowNs : 0, queuedNs: seen.now === 'runnable' ? nowNs : 0 },
    kernelSymbol,
  );
  if (account === null) return null;
  if (seen.now === 'runnable') chargeRest(account.runQueue, seen.owner);
  if (seen.now !== 'blocked') return account;
  const state = readStat(pid, tid)?.state ?? 'S';
  account.blocked.push(presentBlock(pid, tid, nowNs, state));
  account.blocked.sort((a, b) => b.ns - a.ns);
  account.unexplainedNs = Math.max(0, account.unexplainedNs - nowNs);
  return account;
}

function countedAccount({ pid, tid }: LoopRecord, work: OpenWork, wallNs: number): StallAccount | null {
  const stat = readStat(pid, tid);
  const sched = readSchedstat(pid, tid);
  if (!stat || !sched) return null;
  const runDelayNs = clamp(sched.runDelayNs - work.runDelayNs, wallNs);
  // Between ticks schedstat is up to date for a running task, the counter at the start was not: up to a tick too much.
  const onCpuNs = clamp(sched.cpuNs - work.execNs, wallNs - runDelayNs);
  const offNs = wallNs - runDelayNs - onCpuNs;
  const asleep = stat.state !== 'R';
  return {
    userNs: 0,
    system: onCpuNs > 0 ? [{ call: '', ns: onCpuNs }] : [],
    irqNs: 0,
    stealNs: 0,
    runQueue: { totalNs: runDelayNs, contended: [], idleNs: 0, unknownNs: runDelayNs },
    blocked: asleep && offNs > 0 ? [presentBlock(pid, tid, offNs, stat.state)] : [],
    unexplainedNs: asleep ? 0 : offNs,
  };
}

function presentBlock(pid: number, tid: number, ns: number, state: string): BlockedSlice {
  const kernelStack = readKernelStack(pid, tid);
  const stop = state === 'T' ? 'stopped' : state === 't' ? 'traced' : frozenBy(kernelStack);
  if (stop !== null) {
    return {
      call: stop,
      ns,
      count: 1,
      fd: null,
      fdPath: null,
      uninterruptible: state === 'D',
      waker: null,
      kernelStack,
    };
  }
  const current = readCurrentSyscall(pid, tid);
  const inCall = current !== null && current !== 'running';
  const named = !inCall ? 'unknown' : current.number < 0 ? 'page-fault' : syscallName(current.number);
  const call = named === 'restart_syscall' ? takenUpAgain(kernelStack) : named;
  const fd = inCall && takesDescriptor(call) ? Number(BigInt.asIntN(32, current.args[0]!)) : null;
  return {
    call,
    ns,
    count: 1,
    fd,
    fdPath: fd === null ? null : readDescriptor(pid, fd),
    uninterruptible: state === 'D',
    waker: null,
    kernelStack,
  };
}

/**
 * The freezers have no state of their own here: that of cgroup 1 sleeps in __refrigerator(), that of cgroup 2 in
 * do_freezer_trap(), which the compiler may put into get_signal(), where nothing else sleeps in state S.
 */
function frozenBy(kernelStack: readonly string[]): 'frozen' | null {
  const innermost = kernelStack.find((frame) => !/^_*schedule/.test(frame)) ?? '';
  return /^(do_freezer_trap|__refrigerator|get_signal)\b/.test(innermost) ? 'frozen' : null;
}

const TAKEN_UP: [frame: RegExp, call: string][] = [
  [/nanosleep/, 'clock_nanosleep'],
  [/^futex_/, 'futex'],
  [/^do_(sys_)?poll/, 'poll'],
];

/** A sleep that was interrupted goes on under a call's number that says nothing: restart_syscall(2). */
function takenUpAgain(kernelStack: readonly string[]): string {
  return TAKEN_UP.find(([frame]) => kernelStack.some((name) => frame.test(name)))?.[1] ?? 'restart_syscall';
}

/** Innermost first; empty without root. proc_pid_stack(5) */
function readKernelStack(pid: number, tid: number): string[] {
  const text = readProcText(`/proc/${pid}/task/${tid}/stack`) ?? '';
  return [...text.matchAll(/^\[<[^>]*>\] ([^\s+]+)/gm)].map((match) => match[1]!);
}

function clamp(value: number, limit: number): number {
  return Math.max(0, Math.min(value, limit));
}
