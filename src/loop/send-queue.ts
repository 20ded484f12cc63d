/**
 * What each connection has still to send: a short ring of pieces per connection, and a pool of blocks for bytes that
 * are copied. Written by the loop's thread only.
 *
 * Invariants
 *  Q1  Pieces [0, lockedCount) of a connection are in the kernel's hands: they are not extended.
 *  Q2  A block is in the free stack or belongs to exactly one piece.
 *  Q3  push and advance allocate nothing but, up to SLAB_LIMIT times in all, a slab of blocks.
 */
import { SendArea } from '../kernel/send-area.ts';
import { type LoopStats, SEND_QUEUE_DEPTH } from './event-loop.ts';

/** Of the ring of pieces: a power of two. */
const PLACES = SEND_QUEUE_DEPTH + 1;
const DEFAULT_BLOCK_BYTES = 4096;
const BLOCKS_PER_SLAB = 64;
/** 64 MiB of copied bytes under way at once, of blocks as usual; past it sendCopy returns false. */
const SLAB_LIMIT = 256;
const NO_BLOCK = -1;
/** Up to here a byte loop beats making a subarray. */
const SMALL_COPY_BYTES = 256;

export class SendQueues {
  /** Pieces queued on each connection. */
  readonly count: Uint8Array;
  /** Pieces submitted and not yet confirmed (ring only). */
  readonly lockedCount: Uint8Array;
  readonly pendingBytes: Float64Array;
  readonly #blockBytes: number;
  readonly #stats: Pick<LoopStats, 'sentBytes'>;
  readonly #head: Uint8Array;
  readonly #areas: SendArea[];
  readonly #start: Uint32Array;
  readonly #end: Uint32Array;
  readonly #block: Int32Array;
  readonly #slabs: SendArea[] = [];
  readonly #freeBlocks: Int32Array;
  #freeBlockCount = 0;
  #depth = SEND_QUEUE_DEPTH;

  constructor(
    connectionLimit: number,
    stats: Pick<LoopStats, 'sentBytes'> = { sentBytes: 0 },
    blockBytes: number = DEFAULT_BLOCK_BYTES,
  ) {
    this.#stats = stats;
    this.#blockBytes = blockBytes;
    const pieces = connectionLimit * PLACES;
    this.count = new Uint8Array(connectionLimit);
    this.lockedCount = new Uint8Array(connectionLimit);
    this.pendingBytes = new Float64Array(connectionLimit);
    this.#head = new Uint8Array(connectionLimit);
    const none = new SendArea(0);
    this.#areas = Array<SendArea>(pieces).fill(none);
    this.#start = new Uint32Array(pieces);
    this.#end = new Uint32Array(pieces);
    this.#block = new Int32Array(pieces).fill(NO_BLOCK);
    this.#freeBlocks = new Int32Array(SLAB_LIMIT * BLOCKS_PER_SLAB);
  }

  /** Index of the nth queued piece of a connection, for area(), start() and end(). */
  piece(conn: number, nth: number): number {
    return conn * PLACES + ((this.#head[conn]! + nth) & (PLACES - 1));
  }
  area(piece: number): SendArea {
    return this.#areas[piece]!;
  }
  start(piece: number): number {
    return this.#start[piece]!;
  }
  end(piece: number): number {
    return this.#end[piece]!;
  }

  /** While onClose runs there is room for one piece more. */
  set isClosing(closing: boolean) {
    this.#depth = closing ? PLACES : SEND_QUEUE_DEPTH;
  }

  /** False when the connection's queue is full. */
  push(conn: number, area: SendArea, start: number, end: number): boolean {
    return this.#append(conn, area, start, end, NO_BLOCK);
  }

  /** Copies; false, and nothing is queued, when it does not fit. */
  pushCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const room = this.#roomInLastPiece(conn);
    const blocksNeeded = Math.ceil(Math.max(0, end - start - room) / this.#blockBytes);
    if (this.count[conn]! + blocksNeeded > this.#depth) return false;
    while (this.#freeBlockCount < blocksNeeded) if (!this.#addSlab()) return false;

    let from = start;
    if (room > 0 && from < end) {
      const piece = this.piece(conn, this.count[conn]! - 1);
      const take = Math.min(room, end - from);
      copyBytes(bytes, from, from + take, this.#areas[piece]!.bytes, this.#end[piece]!);
      this.#end[piece] = this.#end[piece]! + take;
      this.pendingBytes[conn] = this.pendingBytes[conn]! + take;
      from += take;
    }
    while (from < end) {
      const block = this.#freeBlocks[--this.#freeBlockCount]!;
      const slab = this.#slabs[(block / BLOCKS_PER_SLAB) | 0]!;
      const at = (block % BLOCKS_PER_SLAB) * this.#blockBytes;
      const take = Math.min(this.#blockBytes, end - from);
      copyBytes(bytes, from, from + take, slab.bytes, at);
      this.#append(conn, slab, at, at + take, block);
      from += take;
    }
    return true;
  }

  /** Forgets the first byteCount queued bytes: the kernel has them. */
  advance(conn: number, byteCount: number): void {
    let left = byteCount;
    this.pendingBytes[conn] = this.pendingBytes[conn]! - byteCount;
    this.#stats.sentBytes += byteCount;
    while (left > 0) {
      const piece = this.piece(conn, 0);
      const length = this.#end[piece]! - this.#start[piece]!;
      if (left < length) {
        this.#start[piece] = this.#start[piece]! + left;
        return;
      }
      left -= length;
      this.#dropFirst(conn, piece);
    }
  }

  /** Drops all that is queued. */
  clear(conn: number): void {
    while (this.count[conn]! > 0) this.#dropFirst(conn, this.piece(conn, 0));
    this.lockedCount[conn] = 0;
    this.pendingBytes[conn] = 0;
  }

  #append(conn: number, area: SendArea, start: number, end: number, block: number): boolean {
    const count = this.count[conn]!;
    if (count >= this.#depth) return false;
    const piece = this.piece(conn, count);
    this.#areas[piece] = area;
    this.#start[piece] = start;
    this.#end[piece] = end;
    this.#block[piece] = block;
    this.count[conn] = count + 1;
    this.pendingBytes[conn] = this.pendingBytes[conn]! + (end - start);
    return true;
  }

  #roomInLastPiece(conn: number): number {
    const count = this.count[conn]!;
    if (count <= this.lockedCount[conn]!) return 0;
    const piece = this.piece(conn, count - 1);
    const block = this.#block[piece]!;
    if (block === NO_BLOCK) return 0;
    return ((block % BLOCKS_PER_SLAB) + 1) * this.#blockBytes - this.#end[piece]!;
  }

  #dropFirst(conn: number, piece: number): void {
    const block = this.#block[piece]!;
    if (block !== NO_BLOCK) this.#freeBlocks[this.#freeBlockCount++] = block;
    this.#head[conn] = (this.#head[conn]! + 1) & (PLACES - 1);
    this.count[conn] = this.count[conn]! - 1;
    if (this.lockedCount[conn]! > 0) this.lockedCount[conn] = this.lockedCount[conn]! - 1;
  }

  #addSlab(): boolean {
    const slabIndex = this.#slabs.length;
    if (slabIndex === SLAB_LIMIT) return false;
    this.#slabs.push(new SendArea(BLOCKS_PER_SLAB * this.#blockBytes));
    for (let i = BLOCKS_PER_SLAB - 1; i >= 0; i--) {
      this.#freeBlocks[this.#freeBlockCount++] = slabIndex * BLOCKS_PER_SLAB + i;
    }
    return true;
  }
}

function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start <= SMALL_COPY_BYTES) {
    for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]!;
  } else {
    to.set(from.subarray(start, end), at);
  }
}
