import { procFolder, readProcText } from '../../kernel/proc/read-text.ts';

const FIRST_FIELD_BEHIND_NAME = 3;
const START_TIME_FIELD = 22;
const START_STACK_FIELD = 28;

/**
 * What tells a task from a later one with the same number, and a program from the one it executes: when the task began,
 * and where its stack was put, which execve(2) chooses anew. Without the right to trace it the kernel shows the first
 * alone. Null when it is gone. proc_pid_stat(5)
 */
export function taskIdentity(pid: number, tid: number): string | null {
  const text = readProcText(`${procFolder(pid, tid)}/stat`);
  return text === null ? null : parseIdentity(text);
}

/** Exported for tests. Null for text that is no stat line, and for a task that has ended. */
export function parseIdentity(text: string): string | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (fields.length <= START_STACK_FIELD - FIRST_FIELD_BEHIND_NAME || state === 'Z' || state === 'X')
    return null;
  return `${fields[START_TIME_FIELD - FIRST_FIELD_BEHIND_NAME]}.${fields[START_STACK_FIELD - FIRST_FIELD_BEHIND_NAME]}`;
}
