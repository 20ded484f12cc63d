/**
 * Replies of one connection that do not fit into the loop's queue yet: copies of short ones, one behind the other, and
 * long ones as the send memory they are in.
 */
// Invariants
//  W1  Parts leave in the order they came. The last one alone grows, and only if it is a copy.
//  W2  heldBytes never passes HELD_LIMIT_BYTES by more than one part's growth.
import type { SendMemory } from '../../loop/event-loop.ts';
import type { ReplyLoop } from './protocol.ts';

/** What one connection may hold. A reply in send memory counts as what keeping track of it takes. */
const HELD_LIMIT_BYTES = 1 << 20;
const PART_BYTES = 128;
const SMALLEST_COPY_BYTES = 4096;
/** The loop takes a piece whole or not at all. */
const OFFER_BYTES = 16_384;
/** Parts that are gone stay in the list until there are so many. */
const FORGET_AFTER_PARTS = 64;

/** Bytes [start, end) are still to go; of `memory`, or of a copy in `bytes`. */
type Part = { memory: SendMemory | null; bytes: Uint8Array; start: number; end: number };

export class WaitingReplies {
  unsentBytes = 0;
  heldBytes = 0;
  /** The connection ends after them. */
  ends = false;
  #parts: Part[] = [];
  /** Parts before it are gone. */
  #first = 0;

  /** False, and nothing added, when it would hold too much. */
  addMemory(memory: SendMemory, end: number): boolean {
    if (this.heldBytes + PART_BYTES > HELD_LIMIT_BYTES) return false;
    this.heldBytes += PART_BYTES;
    this.#parts.push({ memory, bytes: memory.bytes, start: 0, end });
    this.unsentBytes += end;
    return true;
  }

  /** False, and nothing added, when it would hold too much. */
  addCopy(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const last = this.#first < this.#parts.length ? this.#parts.at(-1) : undefined;
    const isCopy = last !== undefined && last.memory === null;
    const part = isCopy ? last : { memory: null, bytes: new Uint8Array(0), start: 0, end: 0 };
    const waitingBytes = part.end - part.start;
    if (part.bytes.length - part.end < length) {
      // Doubles as it grows, so that a peer that sends byte by byte cannot make us copy all of it each time.
      const capacity = 2 ** Math.ceil(Math.log2(Math.max(SMALLEST_COPY_BYTES, waitingBytes + length)));
      const more = capacity - part.bytes.length + (isCopy ? 0 : PART_BYTES);
      if (this.heldBytes + more > HELD_LIMIT_BYTES + PART_BYTES) return false;
      const grown = new Uint8Array(capacity);
      grown.set(part.bytes.subarray(part.start, part.end));
      part.bytes = grown;
      part.start = 0;
      part.end = waitingBytes;
      this.heldBytes += more;
    }
    if (!isCopy) this.#parts.push(part);
    part.bytes.set(bytes.subarray(start, end), part.end);
    part.end += length;
    this.unsentBytes += length;
    return true;
  }

  /** Gives the loop as much as it takes. */
  offer(loop: ReplyLoop, conn: number): void {
    while (this.#first < this.#parts.length) {
      const part = this.#parts[this.#first]!;
      const stop = part.memory === null ? Math.min(part.end, part.start + OFFER_BYTES) : part.end;
      const taken =
        part.memory === null
          ? loop.sendCopy(conn, part.bytes, part.start, stop)
          : loop.send(conn, part.memory, part.start, stop);
      if (!taken) break;
      this.unsentBytes -= stop - part.start;
      part.start = stop;
      if (part.start < part.end) continue;
      this.heldBytes -= PART_BYTES + (part.memory === null ? part.bytes.length : 0);
      this.#first++;
    }
    if (this.#first >= FORGET_AFTER_PARTS) {
      this.#parts = this.#parts.slice(this.#first);
      this.#first = 0;
    }
  }

  /** All that is left in one piece; null when that is more than a connection may hold. */
  copyRest(): Uint8Array | null {
    if (this.unsentBytes > HELD_LIMIT_BYTES) return null;
    const rest = new Uint8Array(this.unsentBytes);
    let at = 0;
    for (const { bytes, start, end } of this.#parts.slice(this.#first)) {
      rest.set(bytes.subarray(start, end), at);
      at += end - start;
    }
    return rest;
  }
}
