import { trimEndOf } from '../../base/ends.ts';
import { readProcText } from './read-text.ts';

const MAX_LENGTH = 512;
/** A program may make it megabytes long. */
const LIMIT_BYTES = 4096;

/** Arguments joined by spaces, at most 512 characters; "" for kernel threads and zombies. Hostile text. */
export function parseCommandLine(text: string): string {
  // Programs that rewrite their title (setproctitle) leave a tail of NULs.
  const joined = trimEndOf(text, '\0').replaceAll('\0', ' ').trimEnd();
  return joined.length > MAX_LENGTH ? `${joined.slice(0, MAX_LENGTH - 1)}…` : joined;
}

/** Null when the process vanished or is hidden. proc_pid_cmdline(5) */
export function readCommandLine(pid: number): string | null {
  const text = readProcText(`/proc/${pid}/cmdline`, LIMIT_BYTES);
  return text === null ? null : parseCommandLine(text);
}
