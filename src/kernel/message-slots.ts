/**
 * msghdr structures with their iovecs, for sends gathered from several places. sendmsg(2)
 *
 * Invariants
 *  M1  A slot is filled before the request that uses it is submitted, and may be filled again after that: the kernel
 *      copies header and vectors when it takes the request.
 */
import { iovec, user_msghdr } from './abi/socket.ts';
import { addressOf, offHeap } from './libc.ts';

/** Most pieces of one gathered send. */
export const GATHER_LIMIT = 16;

const TWO_32 = 2 ** 32;
const SLOT_BYTES = 512;
const SLOT_WORDS = SLOT_BYTES / 4;
const VECTORS_BYTE = 64;
const VECTOR_WORDS = iovec.byteLength / 4;
const IOVLEN_WORD = user_msghdr.at.msg_iovlen / 4;

export class MessageSlots {
  readonly count: number;
  readonly #words: Uint32Array;
  readonly #base: number;

  constructor(count: number) {
    this.count = count;
    const memory = offHeap(count * SLOT_BYTES);
    this.#words = new Uint32Array(memory.buffer, 0, count * SLOT_WORDS);
    const base = addressOf(memory);
    this.#base = Number(base);
    const view = new DataView(memory.buffer);
    for (let slot = 0; slot < count; slot++) {
      const at = slot * SLOT_BYTES;
      view.setBigUint64(at + user_msghdr.at.msg_iov, base + BigInt(at + VECTORS_BYTE), true);
    }
  }

  /** Address of the slot's msghdr, for the room's own use. */
  addressNumber(slot: number): number {
    return this.#base + slot * SLOT_BYTES;
  }

  setPiece(slot: number, nth: number, addressNumber: number, byteLength: number): void {
    const at = slot * SLOT_WORDS + VECTORS_BYTE / 4 + nth * VECTOR_WORDS;
    this.#words[at] = addressNumber; // Stored modulo 2^32.
    this.#words[at + 1] = addressNumber / TWO_32;
    this.#words[at + 2] = byteLength;
    this.#words[at + 3] = 0;
  }

  setPieceCount(slot: number, count: number): void {
    this.#words[slot * SLOT_WORDS + IOVLEN_WORD] = count;
  }
}
