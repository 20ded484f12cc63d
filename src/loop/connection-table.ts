/**
 * The slots of a loop: state, descriptor and generation of each connection, in typed arrays allocated once.
 *
 * Invariants
 *  C1  generation[c] changes when slot c is released, and whatever the kernel holds for a connection carries the
 *      generation it was made with: an event of a former connection is told by the difference.
 *  C2  A slot is in the free list exactly while state[c] is FREE.
 */

/** Not in use. */
export const FREE = 0;
/** connect() under way. */
export const CONNECTING = 1;
/** Data flows; handlers are called. */
export const OPEN = 2;
/** end() was called: what is queued is still sent, what arrives is discarded. */
export const ENDING = 3;
/** Closed for the owner; the kernel still holds a request of it (ring only). */
export const CLOSING = 4;

/** Of roomBytes. */
export const NOT_ASKED = -1;

/** Generations fit 24 bits, to share a word with an operation code. */
const GENERATION_MASK = 0xffffff;

export class ConnectionTable {
  readonly limit: number;
  readonly state: Uint8Array;
  readonly fd: Int32Array;
  readonly generation: Uint32Array;
  /** An error met while sending, reported when the receiving side ends; 0 when none. */
  readonly sendErrno: Int32Array;
  /** 1 once the peer closed its side of a connection whose owner then called end(). */
  readonly peerEnded: Uint8Array;
  /** 1 while the owner of a relaying loop wants what the peer sends. */
  readonly wanted: Uint8Array;
  /** 1 once the owner of a relaying loop was told that the peer ended its side. */
  readonly ended: Uint8Array;
  /** 1 when our side is to end as soon as nothing is queued. */
  readonly shuts: Uint8Array;
  /** Pending bytes at which the owner wants to be told of room; −1 when it does not ask. */
  readonly roomBytes: Int32Array;
  takenCount = 0;
  readonly #free: Int32Array;

  constructor(limit: number) {
    this.limit = limit;
    this.state = new Uint8Array(limit);
    this.fd = new Int32Array(limit).fill(-1);
    this.generation = new Uint32Array(limit);
    this.sendErrno = new Int32Array(limit);
    this.peerEnded = new Uint8Array(limit);
    this.wanted = new Uint8Array(limit);
    this.ended = new Uint8Array(limit);
    this.shuts = new Uint8Array(limit);
    this.roomBytes = new Int32Array(limit).fill(NOT_ASKED);
    this.#free = Int32Array.from({ length: limit }, (_, i) => limit - 1 - i);
  }

  get isFull(): boolean {
    return this.takenCount === this.limit;
  }

  /** A free slot, or −1. */
  take(fd: number, state: number): number {
    if (this.isFull) return -1;
    const conn = this.#free[this.limit - 1 - this.takenCount]!;
    this.takenCount++;
    this.state[conn] = state;
    this.fd[conn] = fd;
    this.sendErrno[conn] = 0;
    this.peerEnded[conn] = 0;
    this.wanted[conn] = 0;
    this.ended[conn] = 0;
    this.shuts[conn] = 0;
    this.roomBytes[conn] = NOT_ASKED;
    return conn;
  }

  release(conn: number): void {
    this.state[conn] = FREE;
    this.fd[conn] = -1;
    this.generation[conn] = (this.generation[conn]! + 1) & GENERATION_MASK;
    this.takenCount--;
    this.#free[this.limit - 1 - this.takenCount] = conn;
  }
}
