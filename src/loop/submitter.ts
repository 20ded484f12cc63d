import type { BufferRing } from '../kernel/buffer-ring.ts';
import type { IoUring } from '../kernel/io-uring.ts';
import type { LoopStats } from './event-loop.ts';

/**
 * What a completion is for: the top byte of its low word. The rest is the connection or listener, and the high word
 * the connection's generation.
 */
export const OP_SHIFT = 24;
export const INDEX_MASK = (1 << OP_SHIFT) - 1;
export const OP_NONE = 0;
export const OP_RECEIVE = 1 << OP_SHIFT;
export const OP_SEND_NOW = 2 << OP_SHIFT;
export const OP_SEND_ALL = 3 << OP_SHIFT;
export const OP_CONNECT = 4 << OP_SHIFT;
export const OP_ACCEPT = 5 << OP_SHIFT;
export const OP_TIMER = 6 << OP_SHIFT;

/** Enters the kernel for all parts of a ring loop: received buffers are given back first, shortages are counted. */
export class Submitter {
  readonly ring: IoUring;
  readonly buffers: BufferRing;
  readonly stats: LoopStats;

  constructor(ring: IoUring, buffers: BufferRing, stats: LoopStats) {
    this.ring = ring;
    this.buffers = buffers;
    this.stats = stats;
  }

  /** Submits all requests; waits for so many completions. */
  enter(waitCount: number): void {
    this.buffers.publish();
    this.stats.systemCallCount++;
    this.ring.enter(waitCount);
  }

  /** After this, so many requests can be written. */
  makeRoom(count: number): void {
    while (!this.ring.hasRoom(count)) {
      this.stats.shortageCount++;
      this.enter(0);
    }
  }
}
