import { readlinkSync } from 'node:fs';
import { readCommandLine } from '../../kernel/proc/command-line.ts';
import { epollTargets, readDescriptor } from '../../kernel/proc/descriptors.ts';
import type { ThreadLook } from './thread-look.ts';

/** By the name of the program file, which the process cannot change; by its command line where that is hidden. */
export function isNodeProcess(pid: number): boolean {
  let program: string;
  try {
    program = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    program = readCommandLine(pid)?.split(' ')[0] ?? '';
  }
  return /(^|\/)(node|nodejs|electron)[^/]*$/.test(program);
}

/**
 * Node has a second libuv loop that serves nobody, the delayed-task scheduler of its platform (src/node_platform.cc):
 * it watches a pipe and an eventfd. A worker thread that serves anything watches at least one socket.
 */
export function isNodeHelper(pid: number, look: ThreadLook): boolean {
  if (look.kind !== 'wait' || look.epollFd === null) return true;
  const watched = epollTargets(pid, look.epollFd);
  return !watched.some((fd) => readDescriptor(pid, fd)?.startsWith('socket:'));
}
