import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './abi/mman.ts';
import { __NR_mmap, __NR_munmap } from './abi/syscall-numbers.ts';
import { fastSyscall, memoryAt, syscallForAddress } from './libc.ts';
import { syscallError } from './syscall-error.ts';

/** Mapped memory. Every view on `buffer` must be dropped before dispose: a later access faults. */
export type Mapping = {
  readonly address: bigint;
  readonly byteLength: number;
  readonly buffer: ArrayBuffer;
  [Symbol.dispose](): void;
};

const PAGE_BYTES = 4096;

/** mmap(2). Maps a descriptor, or with fd −1 zeroed private memory. Throws SYSCALL. Dispose is idempotent. */
export function mmap(
  byteLength: number,
  prot: number,
  flags: number,
  fd: number,
  offset: bigint | number,
): Mapping {
  const wholePages = Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES;
  const address = syscallForAddress(__NR_mmap, 0, wholePages, prot, flags, fd, offset);
  if (address < 0n) throw syscallError('mmap', -Number(address), `${wholePages} bytes`);
  let mapped = true;
  return {
    address,
    byteLength,
    buffer: memoryAt(address, byteLength),
    [Symbol.dispose]() {
      if (!mapped) return;
      mapped = false;
      fastSyscall(BigInt(__NR_munmap), address, BigInt(wholePages), 0n, 0n, 0n);
    },
  };
}

/** Zeroed private memory, page-aligned, readable and writable. */
export function mmapAnonymous(byteLength: number): Mapping {
  return mmap(byteLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
