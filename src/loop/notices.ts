/**
 * What an owner that relays is told at the end of a turn: that sends failed on connections nobody receives from, and that
 * there is room again.
 */
// Invariants
//  N1  A connection is in the list of those that ask exactly while roomBytes[c] is not NOT_ASKED, or it was released since.
//  N2  Nothing is allocated per turn.
import { type ConnectionTable, ENDING, NOT_ASKED, OPEN } from './connection-table.ts';
import type { SendQueues } from './send-queue.ts';

export type NoticeHandlers = { failed(conn: number): void; room(conn: number): void };

export class Notices {
  readonly #table: ConnectionTable;
  readonly #queues: SendQueues;
  readonly #handlers: NoticeHandlers;
  readonly #failed: Int32Array;
  readonly #failedGeneration: Uint32Array;
  #failedCount = 0;
  readonly #asking: Int32Array;
  readonly #isAsking: Uint8Array;
  #askingCount = 0;
  #hasRoomNow = false;

  constructor(table: ConnectionTable, queues: SendQueues, handlers: NoticeHandlers) {
    this.#table = table;
    this.#queues = queues;
    this.#handlers = handlers;
    this.#failed = new Int32Array(table.limit);
    this.#failedGeneration = new Uint32Array(table.limit);
    this.#asking = new Int32Array(table.limit);
    this.#isAsking = new Uint8Array(table.limit);
  }

  /** Something is to be told at once: the next turn must not wait. */
  get isUrgent(): boolean {
    return this.#failedCount > 0 || this.#hasRoomNow;
  }

  /** A send failed, and no receive will tell of it. */
  sendFailed(conn: number): void {
    if (this.#failedCount === this.#failed.length) return;
    this.#failed[this.#failedCount] = conn;
    this.#failedGeneration[this.#failedCount++] = this.#table.generation[conn]!;
  }

  askRoom(conn: number, pendingBytes: number): void {
    this.#table.roomBytes[conn] = pendingBytes;
    if (this.#queues.pendingBytes[conn]! <= pendingBytes) this.#hasRoomNow = true;
    if (this.#isAsking[conn] === 1) return;
    this.#isAsking[conn] = 1;
    this.#asking[this.#askingCount++] = conn;
  }

  /** Once a turn, after its events. */
  tell(): void {
    if (this.#failedCount > 0) this.#tellFailed();
    if (this.#askingCount > 0) this.#tellRoom();
  }

  #tellFailed(): void {
    const count = this.#failedCount;
    // Those that fail meanwhile come after these, in the next turn.
    for (let i = 0; i < count; i++) {
      const conn = this.#failed[i]!;
      if (this.#table.generation[conn] !== this.#failedGeneration[i]) continue;
      const state = this.#table.state[conn];
      if (state === OPEN || state === ENDING) this.#handlers.failed(conn);
    }
    this.#failed.copyWithin(0, count, this.#failedCount);
    this.#failedGeneration.copyWithin(0, count, this.#failedCount);
    this.#failedCount -= count;
  }

  #tellRoom(): void {
    this.#hasRoomNow = false;
    const { roomBytes, state } = this.#table;
    let kept = 0;
    const count = this.#askingCount;
    for (let i = 0; i < count; i++) {
      const conn = this.#asking[i]!;
      const asked = roomBytes[conn]!;
      if (asked !== NOT_ASKED && state[conn] === OPEN) {
        if (this.#queues.pendingBytes[conn]! > asked) {
          this.#asking[kept++] = conn;
          continue;
        }
        roomBytes[conn] = NOT_ASKED;
        this.#isAsking[conn] = 0;
        this.#handlers.room(conn);
      } else {
        this.#isAsking[conn] = 0;
      }
    }
    // A handler may have asked again: those are behind the ones looked at.
    this.#asking.copyWithin(kept, count, this.#askingCount);
    this.#askingCount = kept + (this.#askingCount - count);
  }
}
