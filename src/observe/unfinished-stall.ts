/**
 * A cycle that is over budget and has not ended: a hang that outlasts the run sends no record of itself. What is known
 * of it comes from /proc at that moment and from the task's counters since the work began.
 */
import { syscallName } from '../kernel/abi/syscall-names.ts';
import { readDescriptor } from '../kernel/proc/descriptors.ts';
import { readStat } from '../kernel/proc/process-stat.ts';
import { readProcText } from '../kernel/proc/read-text.ts';
import { readSchedstat } from '../kernel/proc/schedstat.ts';
import { readCurrentSyscall } from '../kernel/proc/syscall-wchan.ts';
import type { BlockedSlice, LoopRecord, Stall } from '../record/observation.ts';
import type { OpenWork } from './bpf-tier.ts';
import { takesDescriptor } from './descriptor-calls.ts';

/** Null when the thread is gone. `wallNs` is its age now: it may yet grow. */
export function unfinishedStall(
  record: LoopRecord,
  work: OpenWork,
  startNs: number,
  nowNs: number,
): Stall | null {
  const { pid, tid } = record;
  const stat = readStat(pid, tid);
  const sched = readSchedstat(pid, tid);
  if (!stat || !sched) return null;
  const wallNs = nowNs - startNs;
  const runDelayNs = clamp(sched.runDelayNs - work.runDelayNs, wallNs);
  // Between ticks schedstat is up to date for a running task, the counter at the start was not: up to a tick too much.
  const onCpuNs = clamp(sched.cpuNs - work.execNs, wallNs - runDelayNs);
  const offNs = wallNs - runDelayNs - onCpuNs;
  const asleep = stat.state !== 'R';
  return {
    loopIndex: record.loopIndex,
    kind: 'work',
    startNs,
    wallNs,
    eventCount: work.eventCount,
    peekCount: work.peekCount,
    requestedTimeoutNs: null,
    allowedSlackNs: 0,
    cpu: work.cpu,
    detail: 'counters',
    account: {
      userNs: 0,
      system: onCpuNs > 0 ? [{ call: '', ns: onCpuNs }] : [],
      irqNs: 0,
      stealNs: 0,
      runQueue: { totalNs: runDelayNs, contended: [], idleNs: 0, unknownNs: runDelayNs },
      blocked: asleep && offNs > 0 ? [presentBlock(pid, tid, offNs, stat.state === 'D')] : [],
      unexplainedNs: asleep ? 0 : offNs,
    },
    minorFaults: 0,
    majorFaults: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    stacks: [],
  };
}

function presentBlock(pid: number, tid: number, ns: number, uninterruptible: boolean): BlockedSlice {
  const current = readCurrentSyscall(pid, tid);
  const inCall = current !== null && current !== 'running';
  const call = !inCall ? 'unknown' : current.number < 0 ? 'page-fault' : syscallName(current.number);
  const fd = inCall && takesDescriptor(call) ? Number(BigInt.asIntN(32, current.args[0]!)) : null;
  return {
    call,
    ns,
    count: 1,
    fd,
    fdPath: fd === null ? null : readDescriptor(pid, fd),
    uninterruptible,
    waker: null,
    kernelStack: readKernelStack(pid, tid),
  };
}

/** Innermost first; empty without root. proc_pid_stack(5) */
function readKernelStack(pid: number, tid: number): string[] {
  const text = readProcText(`/proc/${pid}/task/${tid}/stack`) ?? '';
  return [...text.matchAll(/^\[<[^>]*>\] ([^\s+]+)/gm)].map((match) => match[1]!);
}

function clamp(value: number, limit: number): number {
  return Math.max(0, Math.min(value, limit));
}
