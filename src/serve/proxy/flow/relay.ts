/** The copy path: what comes on one side of a flow goes out on the other. */
// Invariants
//  R1  Bytes leave in the order they came, each once: what is received is queued for the other side in the same call, or the
//      flow is reset.
//  R2  At most STALL_BYTES and one receive buffer are queued for a side: past that nothing is received from the other, until
//      GO_ON_BYTES are left.
//  R3  A side's end is passed on after its last byte; the flow is over when both have ended and nothing is queued.
//  R4  A side's error is passed on as a reset, after what it sent before was given to the kernel.
//  R5  Nothing is allocated here per piece of data, and no system call made for it: the loop copies (with a view of what is
//      longer than 256 bytes) and sends.
import type { EventLoop } from '../../../loop/event-loop.ts';
import { type FlowTable, LAST_WORDS, NO_PEER, RELAYING, UPSTREAM } from './flow-table.ts';

/** Queued for one side, from where on nothing more is received from the other. */
export const STALL_BYTES = 131_072;
export const GO_ON_BYTES = 65_536;

export type RelayLoop = Pick<
  EventLoop,
  'sendCopy' | 'pendingSendBytes' | 'setReceiving' | 'askRoom' | 'shutdown' | 'close' | 'reset'
>;

export type FlowEnd = 'ended' | 'reset';

export type RelayOptions = {
  loop: RelayLoop;
  table: FlowTable;
  /** The upstream's socket is about to be closed: the kernel can still be asked about it. */
  onClosing(client: number, how: FlowEnd): void;
  /**
   * A flow is over. The table still has what it was; its slots are free after the call. But for `last`, if it is not
   * NO_PEER: what is queued for that side is sent first, and then onLastWords() comes.
   */
  onOver(client: number, how: FlowEnd, last: number): void;
  /** What was left for this side is sent; its socket is about to be reset. */
  onLastWords(conn: number): void;
};

export class Relay {
  readonly #loop: RelayLoop;
  readonly #table: FlowTable;
  readonly #options: RelayOptions;

  constructor(options: RelayOptions) {
    this.#loop = options.loop;
    this.#table = options.table;
    this.#options = options;
  }

  /** Joins a client and its upstream, both connected. */
  start(client: number, upstream: number, nowNs: number): void {
    const table = this.#table;
    table.state[client] = RELAYING;
    table.state[upstream] = UPSTREAM;
    table.peer[client] = upstream;
    table.peer[upstream] = client;
    table.activeNs[client] = table.activeNs[upstream] = nowNs;
  }

  /** After start() and what is to be sent first. */
  receive(client: number): void {
    const table = this.#table;
    const upstream = table.peer[client]!;
    if (table.hasEnded[client] === 1)
      this.#loop.shutdown(upstream); // Before there was anybody to be told.
    else this.#loop.setReceiving(client, true);
    this.#loop.setReceiving(upstream, true);
  }

  /** Bytes came on one side of a flow. */
  data(conn: number, bytes: Uint8Array, start: number, end: number, nowNs: number): void {
    const table = this.#table;
    const peer = table.peer[conn]!;
    table.activeNs[conn] = nowNs;
    if (!this.#loop.sendCopy(peer, bytes, start, end)) {
      this.cut(conn);
      return;
    }
    this.#count(conn, end - start);
    if (this.#loop.pendingSendBytes(peer) > STALL_BYTES && table.isStalled[conn] === 0)
      this.#stall(conn, peer);
  }

  /** One side has ended, after its last byte. */
  ended(conn: number): void {
    const table = this.#table;
    const peer = table.peer[conn]!;
    table.hasEnded[conn] = 1;
    if (table.hasEnded[peer] === 0) this.#loop.shutdown(peer);
    else if (this.#isDrained(conn) && this.#isDrained(peer)) this.#finish(conn, peer);
    else this.#awaitDrained(conn, peer);
  }

  /** The queue of one side has room again. */
  room(conn: number): void {
    const table = this.#table;
    const peer = table.peer[conn]!;
    if (table.state[conn] === LAST_WORDS) {
      this.#options.onLastWords(conn);
      table.close(conn);
      this.#loop.reset(conn);
      return;
    }
    if (table.isStalled[peer] === 1) {
      table.isStalled[peer] = 0;
      this.#loop.setReceiving(peer, true);
    }
    if (table.hasEnded[conn] === 1 && table.hasEnded[peer] === 1) {
      if (this.#isDrained(conn) && this.#isDrained(peer)) this.#finish(conn, peer);
      else this.#awaitDrained(conn, peer);
    }
  }

  /** One side is gone with an error; its slot is free after this call. */
  failed(conn: number): void {
    const peer = this.#table.peer[conn]!;
    const isDrained = this.#isDrained(peer);
    if (isDrained || this.#clientOf(conn, peer) === peer) this.#closing(conn, peer, 'reset');
    if (isDrained) this.#loop.reset(peer);
    this.#over(conn, peer, 'reset', isDrained ? NO_PEER : peer);
    if (isDrained) return;
    this.#table.state[peer] = LAST_WORDS;
    this.#loop.setReceiving(peer, false);
    this.#loop.askRoom(peer, 0);
  }

  /** Resets both sides at once. */
  cut(conn: number): void {
    const peer = this.#table.peer[conn]!;
    this.#closing(conn, peer, 'reset');
    this.#loop.reset(conn);
    this.#loop.reset(peer);
    this.#over(conn, peer, 'reset', NO_PEER);
  }

  /** Bytes that came with a client's head, before there was anybody to take them. */
  early(client: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#loop.sendCopy(this.#table.peer[client]!, bytes, start, end)) return false;
    this.#count(client, end - start);
    return true;
  }

  #count(conn: number, byteCount: number): void {
    const { fromBytes, totalBytes, state } = this.#table;
    fromBytes[conn] = fromBytes[conn]! + byteCount;
    const way = state[conn] === RELAYING ? 0 : 1;
    totalBytes[way] = totalBytes[way]! + byteCount;
  }

  #stall(conn: number, peer: number): void {
    this.#table.isStalled[conn] = 1;
    this.#loop.setReceiving(conn, false);
    this.#loop.askRoom(peer, GO_ON_BYTES);
  }

  #isDrained(conn: number): boolean {
    return this.#loop.pendingSendBytes(conn) === 0;
  }

  #awaitDrained(conn: number, peer: number): void {
    if (!this.#isDrained(conn)) this.#loop.askRoom(conn, 0);
    if (!this.#isDrained(peer)) this.#loop.askRoom(peer, 0);
  }

  /** The last close says what the last end would: one system call less. */
  #finish(conn: number, peer: number): void {
    this.#closing(conn, peer, 'ended');
    this.#loop.close(conn);
    this.#loop.close(peer);
    this.#over(conn, peer, 'ended', NO_PEER);
  }

  #clientOf(conn: number, peer: number): number {
    return this.#table.state[conn] === RELAYING ? conn : peer;
  }

  #closing(conn: number, peer: number, how: FlowEnd): void {
    this.#options.onClosing(this.#clientOf(conn, peer), how);
  }

  #over(conn: number, peer: number, how: FlowEnd, last: number): void {
    this.#options.onOver(this.#clientOf(conn, peer), how, last);
    this.#table.close(conn);
    this.#table.close(peer);
  }
}
