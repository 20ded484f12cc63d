/** What a process has open and what its epoll sets watch, as /proc shows it. proc_pid_fd(5), proc_pid_fdinfo(5) */
import { readDescriptor } from './descriptors.ts';
import { numericNames, readProcText } from './read-text.ts';

/** EPOLLEXCLUSIVE of include/uapi/linux/eventpoll.h: of all who watch, one is woken. Since 4.5. */
const EPOLLEXCLUSIVE = 1 << 28;

/** Listeners and epoll sets are opened early; a server's ten thousand connections come later. */
const LOOKED_AT = 1024;
const FDINFO_LIMIT_BYTES = 256 * 1024;

export type OpenSockets = {
  /** Inodes of the sockets among the first descriptors. */
  inodes: Set<number>;
  /** Of these, what an epoll set of the process watches; true: with EPOLLEXCLUSIVE. Null: hidden. */
  watched: Map<number, boolean> | null;
};

/** Null when the process is gone or another user's. Some tens of µs, and more with the length of its epoll sets. */
export function readOpenSockets(pid: number): OpenSockets | null {
  const fds = numericNames(`/proc/${pid}/fd`);
  if (fds.length === 0) return null;
  const inodes = new Set<number>();
  let watched: Map<number, boolean> | null = new Map();
  for (const fd of fds.slice(0, LOOKED_AT)) {
    const target = readDescriptor(pid, fd);
    const inode = /^socket:\[(\d+)\]$/.exec(target ?? '')?.[1];
    if (inode !== undefined) inodes.add(Number(inode));
    if (target !== 'anon_inode:[eventpoll]') continue;
    const text = readProcText(`/proc/${pid}/fdinfo/${fd}`, FDINFO_LIMIT_BYTES);
    if (text === null) watched = null;
    else for (const [ino, exclusive] of parseEpollInfo(text)) watched?.set(ino, exclusive);
  }
  return { inodes, watched };
}

/** Lines like "tfd: 5 events: 10000019 data: … pos:0 ino:1a2b sdev:9": inode, and whether it is watched exclusively. */
export function parseEpollInfo(text: string): Map<number, boolean> {
  const found = new Map<number, boolean>();
  for (const [, events, ino] of text.matchAll(/^tfd:.*\bevents:\s*([0-9a-f]+)\b.*\bino:\s*([0-9a-f]+)/gm)) {
    found.set(Number.parseInt(ino!, 16), (Number.parseInt(events!, 16) & EPOLLEXCLUSIVE) !== 0);
  }
  return found;
}
