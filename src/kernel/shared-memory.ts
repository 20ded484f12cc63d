/**
 * Memory that several processes write: a memfd (memfd_create(2)), mapped shared by each that inherits its descriptor.
 * Atomics on an Int32Array over it are the processor's own atomic instructions, and so hold between processes.
 */
import { ftruncateSync } from 'node:fs';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './abi/mman.ts';
import { __NR_memfd_create } from './abi/syscall-numbers.ts';
import { offHeap, syscall } from './libc.ts';
import { mmap } from './mmap.ts';
import { closeFd } from './sockets.ts';
import { syscallError } from './syscall-error.ts';

/** include/uapi/linux/memfd.h. Since 3.17. */
const MFD_CLOEXEC = 1;

export type SharedMemory = {
  /** To be inherited by other processes; closed with the memory. */
  readonly fd: number;
  readonly buffer: ArrayBuffer;
  /** Every view on `buffer` must be dropped before: a later access faults. Idempotent. */
  [Symbol.dispose](): void;
};

/** Zeroed memory under a name that shows in /proc/PID/maps. Throws SYSCALL. */
export function createSharedMemory(name: string, byteLength: number): SharedMemory {
  const text = new TextEncoder().encode(name);
  const nameBytes = offHeap(text.length + 1);
  nameBytes.set(text);
  const fd = syscall(__NR_memfd_create, nameBytes, MFD_CLOEXEC);
  if (fd < 0) throw syscallError('memfd_create', -fd, name);
  try {
    ftruncateSync(fd, byteLength);
    return mapSharedMemory(fd, byteLength);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Maps inherited shared memory, and takes its descriptor over. Throws SYSCALL. */
export function mapSharedMemory(fd: number, byteLength: number): SharedMemory {
  const mapping = mmap(byteLength, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  let open = true;
  return {
    fd,
    buffer: mapping.buffer,
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      mapping[Symbol.dispose]();
      closeFd(fd);
    },
  };
}
