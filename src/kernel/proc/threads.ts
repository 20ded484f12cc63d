import { numericNames } from './read-text.ts';

/** Thread ids of a process, its main thread first. Empty when it vanished or is hidden. */
export function threadIds(pid: number): number[] {
  return numericNames(`/proc/${pid}/task`);
}
