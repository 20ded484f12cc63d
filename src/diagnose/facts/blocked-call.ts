import type { BlockedSlice } from '../../record/observation.ts';
import { stopPhrase } from '../../record/stops.ts';

/** The culprit that time blocked in a call speaks for; 'unnamed' when the record does not say enough. */
export type BlockedCause =
  | 'io.fsync'
  | 'io.disk'
  | 'block.synchronous-call'
  | 'block.lock'
  | 'memory.major-fault'
  | 'observer.ptrace'
  | 'unnamed';

/** Calls whose purpose is to wait for storage. fsync(2), sync_file_range(2), msync(2), sync(2). */
const SYNC_TO_DISK = new Set(['fsync', 'fdatasync', 'sync_file_range', 'msync', 'sync', 'syncfs']);

/** Calls that reach a file system when they sleep uninterruptibly. */
const FILE_CALLS = new Set(
  (
    'read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 open openat openat2 creat close ' +
    'stat lstat fstat newfstatat statx access faccessat faccessat2 getdents getdents64 rename renameat renameat2 ' +
    'unlink unlinkat link linkat symlink mkdir mkdirat rmdir truncate ftruncate fallocate sendfile splice ' +
    'copy_file_range readahead fadvise64 lseek utimensat chmod fchmod chown fchown io_submit io_uring_enter execve'
  ).split(' '),
);

const FUTEX_CALLS = new Set(['futex', 'futex_wait', 'futex_waitv']);

/** Locks between processes, whose holder the kernel knows. */
const LOCK_CALLS = new Set(['flock', 'semop', 'semtimedop']);

/** Calls that take the address space's lock: asleep in one, the thread waits for another that holds it. */
const ADDRESS_SPACE_CALLS = new Set(['mmap', 'munmap', 'mremap', 'mprotect', 'madvise', 'brk']);

const LOCK_FRAME = /rwsem_down|__mutex_lock|__down_(read|write)|futex_wait/;

/**
 * First match wins: what the call is for, then how the thread slept, then what the kernel stack shows. `wokenByOwn`:
 * another thread of the server ended the sleep. A futex wait that none of them ended was a timed one: the timer's
 * interrupt ends it, on whatever the CPU happens to run.
 */
export function blockedCause(slice: BlockedSlice, majorFaults: number, wokenByOwn: boolean): BlockedCause {
  const { call } = slice;
  if (call === 'page-fault') return majorFaults >= 1 ? 'memory.major-fault' : 'unnamed';
  if (call === '' || call === 'unknown') return 'unnamed';
  if (call === 'traced') return 'observer.ptrace';
  // Made to wait for somebody else, who is to let it go on.
  if (stopPhrase(call) !== null) return 'block.synchronous-call';
  if (SYNC_TO_DISK.has(call)) return 'io.fsync';
  if (FUTEX_CALLS.has(call)) return wokenByOwn ? 'block.lock' : 'block.synchronous-call';
  if (LOCK_CALLS.has(call)) return 'block.lock';
  if (slice.uninterruptible && ADDRESS_SPACE_CALLS.has(call))
    return hasLockFrame(slice) ? 'block.lock' : 'unnamed';
  if (slice.uninterruptible && FILE_CALLS.has(call) && !isSocketOrPipe(slice.fdPath)) return 'io.disk';
  return 'block.synchronous-call';
}

/** Calls that put bytes into files: their CPU time belongs to the sync that follows in the same turn. */
export function isWriteCall(call: string): boolean {
  return /^(p?writev?2?|pwrite64|pwritev2?|ftruncate|fallocate|copy_file_range)$/.test(call);
}

export function isSyncToDisk(call: string): boolean {
  return SYNC_TO_DISK.has(call);
}

function hasLockFrame(slice: BlockedSlice): boolean {
  return slice.kernelStack.some((frame) => LOCK_FRAME.test(frame));
}

function isSocketOrPipe(path: string | null): boolean {
  return path !== null && /^(socket|pipe|anon_inode)[:\s[]/.test(path);
}
