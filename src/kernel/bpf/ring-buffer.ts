/**
 * Reads a BPF ring buffer (Documentation/bpf/ringbuf.rst): one page with the consumer's position, which we own, one with
 * the producer's, then the data, mapped twice in a row so that a record never breaks at the end.
 */
// Invariants
//  R1  Only read() writes the consumer position; the kernel alone writes the producer's and the records.
//  R2  The producer position is loaded before the records below it; a busy record stops the reading.
//  R3  The consumer position is stored only after the records before it were handled.
import { BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ } from '../abi/bpf.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { mmap } from '../mmap.ts';

const PAGE_BYTES = 4096;

export type RingBuffer = {
  /** Hands every complete record to `take`, as bytes that are valid during the call. Returns how many there were. */
  read(take: (bytes: Uint8Array) => void): number;
  [Symbol.dispose](): void;
};

/** `byteLength` is the map's max_entries: a power of two, at least a page. */
export function openRingBuffer(mapFd: number, byteLength: number): RingBuffer {
  const consumerPage = mmap(PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, mapFd, 0);
  const rest = mmap(PAGE_BYTES + 2 * byteLength, PROT_READ, MAP_SHARED, mapFd, PAGE_BYTES);
  const consumer = new BigInt64Array(consumerPage.buffer, 0, 1);
  const producer = new BigInt64Array(rest.buffer, 0, 1);
  const headers = new Uint32Array(rest.buffer, PAGE_BYTES);
  const bytes = new Uint8Array(rest.buffer, PAGE_BYTES);
  let position = Number(Atomics.load(consumer, 0));
  return {
    read(take) {
      let count = 0;
      const end = Number(Atomics.load(producer, 0)); // R2
      while (position < end) {
        const offset = position % byteLength;
        const header = headers[offset >>> 2]!;
        if ((header & BPF_RINGBUF_BUSY_BIT) !== 0) break;
        const length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        if ((header & BPF_RINGBUF_DISCARD_BIT) === 0) {
          const start = offset + BPF_RINGBUF_HDR_SZ;
          take(bytes.subarray(start, start + length));
          count++;
        }
        position += Math.ceil((length + BPF_RINGBUF_HDR_SZ) / 8) * 8;
        Atomics.store(consumer, 0, BigInt(position)); // R3
      }
      return count;
    },
    [Symbol.dispose]() {
      consumerPage[Symbol.dispose]();
      rest[Symbol.dispose]();
    },
  };
}
