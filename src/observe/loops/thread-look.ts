import { syscallName } from '../../kernel/abi/syscall-names.ts';
import { readStat } from '../../kernel/proc/process-stat.ts';
import { type CurrentSyscall, readCurrentSyscall, readWchan } from '../../kernel/proc/syscall-wchan.ts';
import { waitCallByNumber } from './wait-calls.ts';

/** What a thread is doing at one moment, as far as it tells whether it is an event loop. */
export type ThreadLook =
  /** In a wait that only event loops make. Call null: seen by its kernel function alone. */
  | { kind: 'wait'; call: string | null; number: number | null; epollFd: number | null }
  /** In poll or select: a loop's wait, or a blocking call inside a turn. */
  | { kind: 'poll'; call: string | null; number: number | null }
  | { kind: 'busy' }
  | { kind: 'blocked'; call: string | null }
  /** Waiting as no loop does: for signals or for children. */
  | { kind: 'never' }
  /** Asleep, and we may not know in what. */
  | { kind: 'hidden' }
  | { kind: 'gone' };

const POLL_CALLS = new Set(['poll', 'ppoll', 'select', 'pselect6']);
const MASTER_CALLS = new Set(['rt_sigsuspend', 'rt_sigtimedwait', 'pause', 'wait4', 'waitid']);

/** include/uapi/linux/io_uring.h */
const IORING_ENTER_GETEVENTS = 1n;

/** Kernel functions by prefix: the compiler adds suffixes (.constprop.0) and inlines differently by version. */
const EVENT_WCHAN = /^(ep_poll|do_epoll_|epoll_|io_cqring_wait|read_events|do_io_getevents)/;
const POLL_WCHAN = /^(do_poll|do_sys_poll|do_select|core_sys_select|poll_schedule_timeout)/;
const MASTER_WCHAN = /^(sigsuspend|do_sigtimedwait|do_wait|kernel_wait|__do_sys_pause|sys_pause)/;

/** One look, 5 to 20 µs. */
export function lookAtThread(pid: number, tid: number): ThreadLook {
  const call = readCurrentSyscall(pid, tid);
  if (call === 'running') return { kind: 'busy' };
  if (call === null) return lookFromAfar(pid, tid);
  // Blocked outside any call, as on a page fault: in its work, not in its wait.
  if (call.number === -1) return { kind: 'busy' };
  return lookOf(call);
}

/** Exported for tests. */
export function lookOf({ number, args }: CurrentSyscall): ThreadLook {
  const wait = waitCallByNumber(number);
  const name = wait?.name ?? syscallName(number);
  if (wait === null) return MASTER_CALLS.has(name) ? { kind: 'never' } : { kind: 'blocked', call: name };
  if (POLL_CALLS.has(name)) return { kind: 'poll', call: name, number };
  if (name === 'io_uring_enter') {
    // Only a wait when it asks for completions: entering to submit can block as well. io_uring_enter(2)
    const waits = ((args[3] ?? 0n) & IORING_ENTER_GETEVENTS) !== 0n && (args[2] ?? 0n) > 0n;
    return waits ? { kind: 'wait', call: name, number, epollFd: null } : { kind: 'blocked', call: name };
  }
  const epollFd = name.startsWith('epoll_') ? Number(args[0] ?? -1n) : null;
  return { kind: 'wait', call: name, number, epollFd };
}

/** Without the right to trace it: by wchan where that is allowed (it needs less), else by its state alone. */
function lookFromAfar(pid: number, tid: number): ThreadLook {
  const wchan = readWchan(pid, tid);
  if (wchan !== null) return lookOfWchan(wchan);
  const stat = readStat(pid, tid);
  if (stat === null) return { kind: 'gone' };
  return { kind: stat.state === 'R' ? 'busy' : 'hidden' };
}

/** Exported for tests. */
export function lookOfWchan(wchan: string): ThreadLook {
  if (EVENT_WCHAN.test(wchan)) return { kind: 'wait', call: null, number: null, epollFd: null };
  if (POLL_WCHAN.test(wchan)) return { kind: 'poll', call: null, number: null };
  if (MASTER_WCHAN.test(wchan)) return { kind: 'never' };
  return { kind: 'blocked', call: wchan.startsWith('futex') ? 'futex' : null };
}
