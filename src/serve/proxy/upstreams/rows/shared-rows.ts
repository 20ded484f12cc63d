/** The upstreams' rows in memory that other threads and processes map as well. */
import { closeSync, openSync } from 'node:fs';
import { createSharedMemory, mapSharedMemory, type SharedMemory } from '../../../../kernel/shared-memory.ts';
import { UpstreamRows } from './upstream-rows.ts';

/** Where the rows are: a descriptor of a process, ours or our parent's. */
export type RowsPlace = { pid: number; fd: number; rowCount: number };

export type SharedRows = { readonly rows: UpstreamRows; readonly place: RowsPlace; [Symbol.dispose](): void };

/** Throws SYSCALL. */
export function createSharedRows(rowCount: number): SharedRows {
  const memory = createSharedMemory('loopscope-upstreams', UpstreamRows.byteLength(rowCount));
  return over(memory, { pid: process.pid, fd: memory.fd, rowCount });
}

/** Maps rows that another thread or process made, by way of its /proc/PID/fd. Throws SYSCALL, or ENOENT when it has ended. */
export function mapSharedRows(place: RowsPlace): SharedRows {
  const fd = openSync(`/proc/${place.pid}/fd/${place.fd}`, 'r+');
  try {
    return over(mapSharedMemory(fd, UpstreamRows.byteLength(place.rowCount)), place);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function over(memory: SharedMemory, place: RowsPlace): SharedRows {
  return {
    rows: new UpstreamRows(memory.buffer, place.rowCount),
    place,
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}
