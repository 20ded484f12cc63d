import { readlinkSync } from 'node:fs';
import { numericNames, readProcText } from './read-text.ts';

/** Descriptors are given out lowest first, and loops are set up early: a server's ten thousand sockets come later. */
const LOOKED_AT = 256;
const EPOLL_LIMIT_BYTES = 64 * 1024;

/** What a descriptor is, as the kernel names it: "socket:[123]", "anon_inode:[eventpoll]", a path. Null: gone or hidden. */
export function readDescriptor(pid: number, fd: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return null;
  }
}

/** How many epoll and io_uring descriptors are among the first 256. Null when they are hidden. proc_pid_fd(5) */
export function countWaitDescriptors(pid: number): number | null {
  const fds = numericNames(`/proc/${pid}/fd`);
  // Every process has at least a descriptor or a hidden folder; an empty one means hidden or gone.
  if (fds.length === 0) return null;
  let count = 0;
  for (const fd of fds.slice(0, LOOKED_AT)) {
    const target = readDescriptor(pid, fd);
    if (target === 'anon_inode:[eventpoll]' || target === 'anon_inode:[io_uring]') count++;
  }
  return count;
}

/** Descriptors that an epoll descriptor watches, at most the first thousand or so. proc_pid_fdinfo(5), "tfd:" lines */
export function epollTargets(pid: number, epollFd: number): number[] {
  const text = readProcText(`/proc/${pid}/fdinfo/${epollFd}`, EPOLL_LIMIT_BYTES) ?? '';
  return [...text.matchAll(/^tfd:\s*(\d+)/gm)].map((match) => Number(match[1]));
}

/** How many files this process may have open (RLIMIT_NOFILE, soft); null without a limit. proc_pid_limits(5) */
export function readOpenFileLimit(): number | null {
  const limit = /^Max open files +(\d+)/m.exec(readProcText('/proc/self/limits') ?? '')?.[1];
  return limit === undefined ? null : Number(limit);
}
