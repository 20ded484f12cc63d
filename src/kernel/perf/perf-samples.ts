/**
 * Samples of a thread's call chain on its own CPU time: perf_event_open(2), one ring for each thread, read by whoever
 * likes. Chains follow frame pointers, which V8's code keeps and the kernel unwinds by itself.
 */
// Invariants
//  S1  Only read() writes data_tail; the kernel alone writes data_head and the records.
//  S2  data_head is loaded before the records below it; data_tail is stored after they were handled.
import { pack } from '../abi/layout.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import {
  PERF_ATTR_EXCLUDE_HV,
  PERF_ATTR_EXCLUDE_KERNEL,
  PERF_ATTR_FREQ,
  PERF_CONTEXT_KERNEL,
  PERF_CONTEXT_MAX,
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_FLAG_FD_CLOEXEC,
  PERF_MMAP_DATA_HEAD,
  PERF_RECORD_LOST,
  PERF_RECORD_SAMPLE,
  PERF_SAMPLE_CALLCHAIN,
  PERF_TYPE_SOFTWARE,
  perf_event_attr,
} from '../abi/perf-event.ts';
import { __NR_perf_event_open } from '../abi/syscall-numbers.ts';
import { offHeap, syscall } from '../libc.ts';
import { mmap } from '../mmap.ts';
import { closeFd } from '../sockets.ts';

export type ThreadSamples = {
  /** Hands over each chain since the last call: addresses, innermost first, the first `kernelCount` of them the kernel's. */
  read(take: (chain: readonly bigint[], kernelCount: number) => void): void;
  /** Samples for which there was no room. */
  readonly lostCount: number;
  [Symbol.dispose](): void;
};

const PAGE_BYTES = 4096;
/** A power of two; half a second of deep chains at a thousand samples a second. */
const DATA_BYTES = 64 * PAGE_BYTES;

/** Begins at once. An errno where it may not be: kernel.perf_event_paranoid, or a filter of system calls. */
export function openThreadSamples(
  tid: number,
  ratePerSec: number,
  withKernel: boolean,
): ThreadSamples | number {
  const attr = offHeap(perf_event_attr.byteLength);
  pack(attr, perf_event_attr, {
    type: PERF_TYPE_SOFTWARE,
    size: perf_event_attr.byteLength,
    config: PERF_COUNT_SW_CPU_CLOCK,
    sample_freq: ratePerSec,
    sample_type: PERF_SAMPLE_CALLCHAIN,
    flags: PERF_ATTR_FREQ | (withKernel ? 0n : PERF_ATTR_EXCLUDE_KERNEL | PERF_ATTR_EXCLUDE_HV),
  });
  const fd = syscall(__NR_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return -fd;
  const mapping = mapOrNull(fd);
  if (mapping === null) {
    closeFd(fd);
    return ENOMEM;
  }
  return reader(fd, mapping);
}

const ENOMEM = 12;

/** Without privileges so many pages may be locked: kernel.perf_event_mlock_kb. */
function mapOrNull(fd: number) {
  try {
    return mmap(PAGE_BYTES + DATA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  } catch {
    return null;
  }
}

function reader(fd: number, mapping: ReturnType<typeof mmap>): ThreadSamples {
  const [head, tail] = [
    new BigInt64Array(mapping.buffer, PERF_MMAP_DATA_HEAD, 1),
    new BigInt64Array(mapping.buffer, PERF_MMAP_DATA_HEAD + 8, 1),
  ];
  const words = new BigUint64Array(mapping.buffer, PAGE_BYTES, DATA_BYTES / 8);
  let at = 0;
  let lostCount = 0;
  return {
    get lostCount() {
      return lostCount;
    },
    read(take) {
      const end = Number(Atomics.load(head, 0)) / 8; // S2
      // Records are whole words, and go on at the ring's beginning.
      const word = (index: number): bigint => words[(at + index) % words.length]!;
      while (at < end) {
        const header = word(0);
        const type = Number(header & 0xffff_ffffn);
        const length = Number(header >> 48n) / 8;
        if (length === 0) break;
        if (type === PERF_RECORD_SAMPLE) takeChain(word, length, take);
        else if (type === PERF_RECORD_LOST) lostCount += Number(word(2));
        at += length;
      }
      Atomics.store(tail, 0, BigInt(at * 8)); // S1
    },
    [Symbol.dispose]() {
      closeFd(fd);
      mapping[Symbol.dispose]();
    },
  };
}

function takeChain(
  word: (index: number) => bigint,
  length: number,
  take: (chain: readonly bigint[], kernelCount: number) => void,
): void {
  const count = Math.min(Number(word(1)), length - 2);
  const chain: bigint[] = [];
  let isKernel = false;
  let kernelCount = 0;
  for (let i = 0; i < count; i++) {
    const address = word(2 + i);
    if (address >= PERF_CONTEXT_MAX) isKernel = address === PERF_CONTEXT_KERNEL;
    else {
      chain.push(address);
      if (isKernel) kernelCount = chain.length;
    }
  }
  if (chain.length > 0) take(chain, kernelCount);
}
