import { closeSync, openSync, readSync } from 'node:fs';
import { procFolder } from './read-text.ts';

/** A thread's state, asked again and again: its stat file stays open, and only one letter is taken from it. */
export type TaskState = {
  /** R, S, D…; null once the thread is gone. The open file stays that thread's, even if its tid is given out anew. */
  read(): string | null;
  [Symbol.dispose](): void;
};

// A stat line is at most 52 numbers of 20 digits; what is needed is in the first hundred bytes.
const buffer = Buffer.alloc(1280);

/** Null when the thread is gone or hidden. */
export function openTaskState(pid: number, tid: number): TaskState | null {
  let fd: number;
  try {
    fd = openSync(`${procFolder(pid, tid)}/stat`, 'r');
  } catch {
    return null;
  }
  return {
    read() {
      if (fd < 0) return null;
      try {
        const length = readSync(fd, buffer, 0, buffer.length, 0);
        const close = buffer.lastIndexOf(0x29, length - 1);
        return length > 0 && close > 0 ? String.fromCharCode(buffer[close + 2]!) : null;
      } catch {
        return null;
      }
    },
    [Symbol.dispose]() {
      if (fd >= 0) closeSync(fd);
      fd = -1;
    },
  };
}
