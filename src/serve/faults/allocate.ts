import type { Fault } from './fault.ts';

const PAGE_BYTES = 4096;

/** A handler that takes fresh memory from the kernel and touches every page of it. */
export const allocate = {
  name: 'allocate',
  summary: 'allocates that much memory and touches every page: minor faults',
  unit: 'bytes',
  example: 'allocate:32MB/100',
  plant: (byteCount) => ({ hit: () => void touchFreshMemory(byteCount), [Symbol.dispose]() {} }),
} satisfies Fault;

function touchFreshMemory(byteCount: number): Uint8Array {
  const memory = new Uint8Array(byteCount);
  for (let at = 0; at < byteCount; at += PAGE_BYTES) memory[at] = 1;
  return memory;
}
