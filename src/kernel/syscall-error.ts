/**
 * What a failed system call most likely means, and what to try. One table, so that the same refusal always reads the
 * same: call + errno first, then errno alone.
 */
import { type ErrorCode, LoopscopeError } from '../base/errors.ts';
import { errnoName } from './errno.ts';
import { describeErrno } from './libc.ts';

type Advice = { cause: string; hint: string; code?: ErrorCode };

const BY_CALL: Record<string, Advice> = {
  'bind EADDRINUSE': {
    cause: 'another socket already listens there',
    hint: 'see who with: ss -ltnxp; or choose another port or path, or port 0 for any free one',
  },
  'bind EADDRNOTAVAIL': {
    cause: 'no interface of this machine has that address',
    hint: 'list the addresses with: ip -brief address',
  },
  'bind EACCES': {
    cause:
      'ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE; a Unix path needs a writable directory',
    hint: 'use a port above 1023, or a path in a directory you can write to',
    code: 'PERMISSION',
  },
  'bind ENOENT': {
    cause: 'the directory of the socket path does not exist',
    hint: 'create it, or choose another path',
  },
  'listen EADDRINUSE': {
    cause: 'another socket already listens there',
    hint: 'see who with: ss -ltnxp; with SO_REUSEPORT every listener must ask for it',
  },
  'connect EADDRNOTAVAIL': {
    cause:
      'no local port is free towards that target (too many connections, or TIME_WAIT), or the source address is not ours',
    hint: 'keep connections open, or widen net.ipv4.ip_local_port_range; see: ss -s',
  },
  'io_uring_setup EPERM': {
    cause:
      'io_uring is refused, by kernel.io_uring_disabled or by a seccomp filter (containers often have one)',
    hint: 'see: sysctl kernel.io_uring_disabled; the epoll back end works without it',
    code: 'PERMISSION',
  },
  'io_uring_setup ENOSYS': {
    cause: 'this kernel has no io_uring',
    hint: 'the epoll back end works without it',
    code: 'KERNEL_FEATURE',
  },
  'io_uring_setup EINVAL': {
    cause:
      'the kernel is too old for a ring feature we need (provided buffer rings and multishot receive: Linux 6.0)',
    hint: 'the epoll back end works without it',
    code: 'KERNEL_FEATURE',
  },
  'sched_setaffinity EINVAL': {
    cause: 'none of those CPUs is online and allowed for this process',
    hint: 'see: grep Cpus_allowed_list /proc/self/status',
  },
};

const BY_ERRNO: Record<string, Advice> = {
  EMFILE: {
    cause: 'this process has as many open files as it may',
    hint: 'raise the limit: ulimit -n 65536',
  },
  ENFILE: { cause: 'the whole system has no file handle left', hint: 'see: sysctl fs.file-nr fs.file-max' },
  ENOMEM: {
    cause: 'memory is short, or a limit (RLIMIT_MEMLOCK, cgroup) was met',
    hint: 'see: ulimit -l; and memory.max of the cgroup',
  },
  ENOBUFS: { cause: 'the kernel has no socket buffer memory left', hint: 'see: sysctl net.ipv4.tcp_mem' },
  EPERM: {
    cause: 'a capability or a seccomp filter forbids it',
    hint: 'see: grep -E "Cap|Seccomp" /proc/self/status',
    code: 'PERMISSION',
  },
  EACCES: {
    cause: 'permission denied',
    hint: 'check the owner and mode of what is opened, or run with the capability',
    code: 'PERMISSION',
  },
  ENOSYS: {
    cause: 'this kernel does not have the call, or a sandbox hides it',
    hint: 'see: uname -r',
    code: 'KERNEL_FEATURE',
  },
  ECONNREFUSED: { cause: 'nothing listens there', hint: 'is the server running? see: ss -ltnx' },
  ENOENT: { cause: 'there is no such file or socket', hint: 'is the path right, and the server running?' },
  ETIMEDOUT: { cause: 'no answer came', hint: 'is a firewall dropping packets?' },
  ENETUNREACH: { cause: 'there is no route to that network', hint: 'see: ip route' },
  EHOSTUNREACH: { cause: 'there is no route to that host', hint: 'see: ip route; ip neigh' },
};

/** A refusal by the kernel. `errno` is positive. */
export class SyscallError extends LoopscopeError {
  readonly errno: number;

  constructor(code: ErrorCode, message: string, hint: string, errno: number) {
    super(code, message, hint);
    this.errno = errno;
  }
}

const UNKNOWN: Advice = { cause: '', hint: '' };

/** What errno of that call most likely means; empty strings when nothing useful is known. */
export function adviceFor(call: string, errno: number): Advice {
  const name = errnoName(errno);
  return BY_CALL[`${call} ${name}`] ?? BY_ERRNO[name] ?? UNKNOWN;
}

/** "bind 127.0.0.1:80: EACCES (13): likely cause", with what to try as the hint. `errno` is positive. */
export function syscallError(call: string, errno: number, subject = ''): SyscallError {
  const advice = adviceFor(call, errno);
  const what = subject ? `${call} ${subject}` : call;
  const cause = advice.cause ? `: ${advice.cause}` : '';
  const message = `${what}: ${describeErrno(errno)}${cause}`;
  return new SyscallError(advice.code ?? 'SYSCALL', message, advice.hint, errno);
}
