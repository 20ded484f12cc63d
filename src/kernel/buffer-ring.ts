/**
 * A provided-buffer ring: memory the kernel receives into, a buffer at a time, in the order it was given.
 * io_uring_register(2), IORING_REGISTER_PBUF_RING.
 *
 * Invariants
 *  B1  A buffer belongs to the kernel (published) or to us (named by an unrecycled completion), never to both.
 *  B2  The tail is stored with Atomics.store after the entries it covers.
 */
import { IORING_REGISTER_PBUF_RING, io_uring_buf, io_uring_buf_reg } from './abi/io-uring.ts';
import { pack } from './abi/layout.ts';
import { __NR_io_uring_register } from './abi/syscall-numbers.ts';
import { addressOf, offHeap, syscall } from './libc.ts';
import { type Mapping, mmapAnonymous } from './mmap.ts';
import { syscallError } from './syscall-error.ts';

const TWO_32 = 2 ** 32;
const ENTRY_WORDS = io_uring_buf.byteLength / 4;
const ENTRY_HALVES = io_uring_buf.byteLength / 2;
/** The ring's tail overlays the reserved field of its first entry. */
const TAIL_HALF = io_uring_buf.at.resv / 2;

export class BufferRing {
  /** All buffers in one array: buffer b is [b × bufferBytes, (b + 1) × bufferBytes). */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bufferBytes: number;
  readonly #mapping: Mapping;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #mask: number;
  readonly #base: number;
  #tail = 0;
  #published = 0;

  /** bufferCount is a power of two, at most 32 768. Throws SYSCALL. */
  constructor(ringFd: number, group: number, bufferCount: number, bufferBytes: number) {
    this.bufferBytes = bufferBytes;
    this.bytes = offHeap(bufferCount * bufferBytes);
    this.#base = Number(addressOf(this.bytes));
    // Page-aligned, as the kernel wants it, which an ArrayBuffer is not.
    this.#mapping = mmapAnonymous(bufferCount * io_uring_buf.byteLength);
    this.#words = new Uint32Array(this.#mapping.buffer);
    this.#halves = new Uint16Array(this.#mapping.buffer);
    this.#mask = bufferCount - 1;
    const registration = offHeap(io_uring_buf_reg.byteLength);
    pack(registration, io_uring_buf_reg, {
      ring_addr: this.#mapping.address,
      ring_entries: bufferCount,
      bgid: group,
    });
    const result = syscall(__NR_io_uring_register, ringFd, IORING_REGISTER_PBUF_RING, registration, 1);
    if (result < 0) {
      this.#mapping[Symbol.dispose]();
      throw syscallError('io_uring_register', -result, `${bufferCount} receive buffers`);
    }
    for (let buffer = 0; buffer < bufferCount; buffer++) this.recycle(buffer);
    this.publish();
  }

  /** Gives a buffer back; the kernel sees it after publish(). */
  recycle(buffer: number): void {
    const slot = this.#tail & this.#mask;
    const at = slot * ENTRY_WORDS;
    const address = this.#base + buffer * this.bufferBytes;
    this.#words[at] = address; // Stored modulo 2^32.
    this.#words[at + 1] = address / TWO_32;
    this.#words[at + 2] = this.bufferBytes;
    this.#halves[slot * ENTRY_HALVES + io_uring_buf.at.bid / 2] = buffer;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  publish(): void {
    if (this.#published === this.#tail) return;
    this.#published = this.#tail;
    Atomics.store(this.#halves, TAIL_HALF, this.#tail);
  }

  /** After the ring is closed. */
  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
  }
}
