/** Small reads from /proc, whose files report a size of 0 and are made at the moment they are read. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** /proc/stat of a host with hundreds of CPUs and thousands of interrupts is the longest read by default. */
const DEFAULT_LIMIT_BYTES = 1 << 20;

let buffer = Buffer.alloc(64 * 1024);

/**
 * A file of /proc as text, at most `limitBytes` of it. Null when it cannot be read: the process vanished (ENOENT,
 * ESRCH), or it is another user's (EACCES, EPERM). One buffer for all: a run reads thousands of these.
 */
export function readProcText(path: string, limitBytes: number = DEFAULT_LIMIT_BYTES): string | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return readAgain(fd, limitBytes);
  } finally {
    closeSync(fd);
  }
}

/** Reads an open file of /proc anew from its start: the kernel makes the text again. Null when that fails. */
export function readAgain(fd: number, limitBytes: number = DEFAULT_LIMIT_BYTES): string | null {
  let length = 0;
  try {
    // A read may end early at a record's end (seq_file), so only 0 means the end.
    while (length < limitBytes) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const room = Math.min(buffer.length, limitBytes) - length;
      const count = readSync(fd, buffer, length, room, length);
      if (count === 0) break;
      length += count;
    }
  } catch {
    return null;
  }
  return buffer.toString('utf8', 0, length);
}

/** Names in a folder that are numbers (pids, tids, descriptors), in the order of the kernel. Empty when unreadable. */
export function numericNames(folder: string): number[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const numbers: number[] = [];
  for (const name of names) {
    const first = name.charCodeAt(0);
    if (first >= 48 && first <= 57) numbers.push(Number(name));
  }
  return numbers;
}

/** "/proc/1" or "/proc/1/task/2". */
export function procFolder(pid: number, tid?: number): string {
  return tid === undefined ? `/proc/${pid}` : `/proc/${pid}/task/${tid}`;
}
