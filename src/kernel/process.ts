/** The calling thread and other processes: identity, CPUs, usage, death. */
import { PR_SET_PDEATHSIG, PR_SET_TIMERSLACK } from './abi/prctl.ts';
import {
  __NR_getrusage,
  __NR_gettid,
  __NR_kill,
  __NR_prctl,
  __NR_sched_getaffinity,
  __NR_sched_setaffinity,
} from './abi/syscall-numbers.ts';
import { RUSAGE_SELF, RUSAGE_THREAD, rusage } from './abi/time.ts';
import { offHeap, syscall } from './libc.ts';
import { syscallError } from './syscall-error.ts';

/** Room for 8192 CPUs, the most the kernel can be built for. */
const CPU_MASK_BYTES = 1024;

/** Thread id of the caller; of the main thread it is the pid. Worker threads have their own. gettid(2) */
export function gettid(): number {
  return syscall(__NR_gettid);
}

/**
 * Asks the kernel to send this process a signal when the thread that started it ends, so that no child outlives a
 * killed parent. False when the parent is gone already: the signal will not come, so exit. prctl(2), PR_SET_PDEATHSIG
 */
export function setParentDeathSignal(signal: number, expectedParentPid: number): boolean {
  const result = syscall(__NR_prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0);
  if (result < 0) throw syscallError('prctl', -result, 'PR_SET_PDEATHSIG');
  return process.ppid === expectedParentPid;
}

/** How late the kernel may end a timed wait of this thread to save wake-ups; 50 000 ns by default. prctl(2) */
export function setTimerSlackNs(slackNs: number): void {
  const result = syscall(__NR_prctl, PR_SET_TIMERSLACK, Math.max(1, Math.round(slackNs)), 0, 0, 0);
  if (result < 0) throw syscallError('prctl', -result, 'PR_SET_TIMERSLACK');
}

/** Binds a thread to CPUs (0 is the calling thread). Throws SYSCALL or PERMISSION. sched_setaffinity(2) */
export function setAffinity(tid: number, cpus: readonly number[]): void {
  const mask = offHeap(CPU_MASK_BYTES);
  for (const cpu of cpus) mask[cpu >> 3] = mask[cpu >> 3]! | (1 << (cpu & 7));
  const result = syscall(__NR_sched_setaffinity, tid, CPU_MASK_BYTES, mask);
  if (result < 0) throw syscallError('sched_setaffinity', -result, `CPU ${cpus.join(',')} for thread ${tid}`);
}

/** CPUs a thread may run on, ascending (0 is the calling thread). Throws SYSCALL. sched_getaffinity(2) */
export function getAffinity(tid: number): number[] {
  const mask = offHeap(CPU_MASK_BYTES);
  const byteCount = syscall(__NR_sched_getaffinity, tid, CPU_MASK_BYTES, mask);
  if (byteCount < 0) throw syscallError('sched_getaffinity', -byteCount, `thread ${tid}`);
  const cpus: number[] = [];
  for (let cpu = 0; cpu < byteCount * 8; cpu++) {
    if (mask[cpu >> 3]! & (1 << (cpu & 7))) cpus.push(cpu);
  }
  return cpus;
}

export type Usage = {
  userNs: number;
  systemNs: number;
  minorFaultCount: number;
  majorFaultCount: number;
  /** Times it gave the CPU up of itself, mostly to wait. */
  voluntarySwitchCount: number;
  /** Times the scheduler took the CPU away. */
  involuntarySwitchCount: number;
};

/** What the calling thread has used since it began. The kernel counts CPU time to the microsecond. getrusage(2) */
export function threadUsage(): Usage {
  return usageOf(RUSAGE_THREAD);
}

/** What this process has used since it began, all threads. */
export function processUsage(): Usage {
  return usageOf(RUSAGE_SELF);
}

/** kill(2). 0, or −errno: −ESRCH when the process is gone, −EPERM when it is not ours. Signal 0 only asks. */
export function kill(pid: number, signal: number): number {
  return syscall(__NR_kill, pid, signal);
}

function usageOf(who: number): Usage {
  const buffer = offHeap(rusage.byteLength);
  const result = syscall(__NR_getrusage, who, buffer);
  if (result < 0) throw syscallError('getrusage', -result);
  const view = new DataView(buffer.buffer);
  const field = (offset: number) => Number(view.getBigInt64(offset, true));
  const at = rusage.at;
  return {
    userNs: field(at['ru_utime.tv_sec']) * 1e9 + field(at['ru_utime.tv_usec']) * 1e3,
    systemNs: field(at['ru_stime.tv_sec']) * 1e9 + field(at['ru_stime.tv_usec']) * 1e3,
    minorFaultCount: field(at.ru_minflt),
    majorFaultCount: field(at.ru_majflt),
    voluntarySwitchCount: field(at.ru_nvcsw),
    involuntarySwitchCount: field(at.ru_nivcsw),
  };
}
