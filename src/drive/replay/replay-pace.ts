/**
 * A log replayed: requests are due at its times, or at full speed as soon as they can go out; each client's follow one
 * another, on one connection as long as that lives and nobody else needs it.
 */
// Invariants
//  P1  A request taken from the ring is ready (no connection was free), waits for its client's one before, or is under
//      way; the first two, in the order in which they were due, are in #waiting.
//  P2  A connection is in #free when it may send and nothing is under way on it; the one that was used last comes last.
//  P3  The reader is never waited for. When it is late, that is counted.
import type { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import type { Sender } from '../flight/sender.ts';
import type { Standing } from '../flight/standing.ts';
import { IndexHeap } from '../lists/index-heap.ts';
import { IndexList } from '../lists/index-list.ts';
import type { Pace, PaceParts } from '../pace/pace.ts';
import { ReplayCounts } from './replay-counts.ts';
import type { RingReader } from './ring-reader.ts';
import { Sessions } from './sessions.ts';
import type { Slots } from './slots.ts';

/** How often an empty ring is looked at. */
const LOOK_NS = 0.5e6;
/** Clients remembered beside those with requests under way or waiting. */
const QUIET_CLIENTS = 65_536;
/** All bytes of requests that wait. */
const WAITING_BYTES_LIMIT = 64 * 1024 * 1024;
const NONE = -1;

export class ReplayPace implements Pace {
  readonly counts: ReplayCounts = new ReplayCounts();
  readonly #sender: Sender;
  readonly #standing: Standing;
  readonly #recorder: OutcomeRecorder;
  readonly #nowNs: () => number;
  readonly #ring: RingReader;
  readonly #slots: Slots;
  readonly #isTimed: boolean;
  readonly #sessions: Sessions;
  readonly #free: IndexList;
  /** By the order in which they were due. */
  readonly #ready: IndexHeap;
  readonly #waiting: IndexList;
  /** By connection: the client that used it last, and the request under way on it. */
  readonly #ownerOf: Int32Array;
  readonly #slotOf: Int32Array;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;

  /** `isTimed`: false at full speed. */
  constructor(parts: PaceParts, ring: RingReader, slots: Slots, isTimed: boolean) {
    this.#sender = parts.sender;
    this.#standing = parts.standing;
    this.#recorder = parts.recorder;
    this.#nowNs = parts.nowNs;
    this.#ring = ring;
    this.#slots = slots;
    this.#isTimed = isTimed;
    this.#sessions = new Sessions(QUIET_CLIENTS + slots.limit, slots.limit);
    this.#free = new IndexList(parts.connectionLimit);
    this.#ready = new IndexHeap(slots.limit);
    this.#waiting = new IndexList(slots.limit);
    this.#ownerOf = new Int32Array(parts.connectionLimit).fill(NONE);
    this.#slotOf = new Int32Array(parts.connectionLimit).fill(NONE);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The log has ended, and so has every request of it. */
  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#standing.isIdle && this.#ring.isEnded;
  }

  start(startNs: number): void {
    this.#startNs = startNs;
  }

  turn(nowNs: number): void {
    this.#sendReady();
    if (this.#isTimed) this.#takeDue(nowNs, true);
    else this.#takeAny(nowNs);
    this.#ring.release();
  }

  opened(conn: number, nowNs: number): void {
    this.#ownerOf[conn] = NONE;
    if (this.#ready.length > 0) this.#send(conn, this.#nextReady(), nowNs);
    else this.#free.unshift(conn);
  }

  replied(conn: number, nowNs: number): void {
    if (!this.#standing.isFree(conn)) return;
    const follower = this.#ended(conn, nowNs);
    if (!this.#standing.maySend(conn)) {
      if (follower !== NONE) this.#offer(follower);
      return;
    }
    const isNext = follower !== NONE && this.#isBeforeReady(follower);
    if (follower !== NONE && !isNext) this.#offer(follower);
    if (isNext) this.#send(conn, follower, nowNs);
    else if (this.#ready.length > 0) this.#send(conn, this.#nextReady(), nowNs);
    else this.#free.push(conn);
  }

  lost(conn: number, nowNs: number): void {
    if (this.#free.has(conn)) this.#free.remove(conn);
    this.#ownerOf[conn] = NONE;
    if (this.#slotOf[conn] === NONE) return;
    const follower = this.#ended(conn, nowNs);
    if (follower !== NONE) this.#offer(follower);
  }

  waitNs(nowNs: number, tickNs: number): number {
    // Without a free connection there is nothing to be on time for: the next reply is what matters.
    if (this.#free.length === 0) return tickNs;
    if (this.#ring.hasNext) return this.#isTimed ? this.#startNs + this.#ring.plannedNs - nowNs : tickNs;
    return this.#ring.isEnded ? tickNs : LOOK_NS;
  }

  end(nowNs: number, endNs: number, isStopped: boolean): void {
    if (!this.#isTimed) return;
    this.#takeDue(endNs, !isStopped);
    while (this.#waiting.length > 0) this.#giveUp(nowNs);
  }

  #sendReady(): void {
    while (this.#ready.length > 0 && this.#free.length > 0) {
      const slot = this.#nextReady();
      this.#send(this.#connFor(this.#slots.session[slot]!), slot, this.#nowNs());
    }
  }

  /** By its times. */
  #takeDue(nowNs: number, isSending: boolean): void {
    const ring = this.#ring;
    while (ring.hasNext) {
      const plannedNs = this.#startNs + ring.plannedNs;
      if (!(plannedNs <= nowNs)) return;
      this.counts.due(ring, plannedNs);
      this.#recorder.planned(plannedNs);
      // The longest waiting is given up: what is sent stays as fresh as there is room.
      while (this.#slots.isFull || this.#slots.waitingBytes > WAITING_BYTES_LIMIT) this.#giveUp(nowNs);
      this.#admit(plannedNs, isSending);
    }
    if (!ring.isEnded) this.counts.foundEmpty(nowNs);
  }

  /** At full speed: as many as there are connections for. A client's second waits, and does not hold up the others. */
  #takeAny(nowNs: number): void {
    const ring = this.#ring;
    while (this.#free.length > 0 && !this.#slots.isFull && this.#slots.waitingBytes <= WAITING_BYTES_LIMIT) {
      if (!ring.hasNext) {
        if (!ring.isEnded) this.counts.foundEmpty(nowNs);
        return;
      }
      this.counts.taken(nowNs);
      this.#admit(Number.POSITIVE_INFINITY, true);
    }
  }

  /** The ring's next is sent, or waits. */
  #admit(plannedNs: number, isSending: boolean): void {
    const entry = this.#sessions.of(this.#ring.session);
    const slot = this.#slots.take(entry, plannedNs);
    if (!this.#sessions.isActive(entry)) {
      this.#sessions.begin(entry);
      if (isSending && this.#free.length > 0) {
        this.#send(this.#connFor(entry), slot, this.#nowNs());
        return;
      }
      this.#offer(slot);
    } else {
      this.counts.waitedCount++;
      this.#slots.readyNs[slot] = Number.POSITIVE_INFINITY;
      this.#sessions.enqueue(entry, slot);
    }
    this.#slots.keep(slot);
    this.#waiting.push(slot);
  }

  #offer(slot: number): void {
    this.#ready.push(slot, this.#slots.order[slot]!);
  }

  /** The caller has looked at the length. */
  #nextReady(): number {
    const slot = this.#ready.lowest;
    this.#ready.shift();
    return slot;
  }

  /** Its own if that is free, else the one that nobody used for longest. Takes it out of the free ones. */
  #connFor(entry: number): number {
    const own = this.#sessions.lastConn[entry]!;
    if (own === NONE || this.#ownerOf[own] !== entry || !this.#free.has(own)) return this.#free.shift();
    this.#free.remove(own);
    return own;
  }

  #send(conn: number, slot: number, nowNs: number): void {
    const slots = this.#slots;
    const entry = slots.session[slot]!;
    const before = this.#sessions.lastConn[entry]!;
    if (before !== NONE && (before !== conn || this.#ownerOf[conn] !== entry)) this.counts.movedCount++;
    this.#sessions.lastConn[entry] = conn;
    if (slots.order[slot]! < this.#sessions.lastOrder[entry]!) this.counts.disorderedCount++;
    this.#sessions.lastOrder[entry] = slots.order[slot]!;
    this.#ownerOf[conn] = entry;
    this.#slotOf[conn] = slot;
    if (this.#waiting.has(slot)) this.#waiting.remove(slot);
    if (!this.#isTimed) {
      slots.plannedNs[slot] = nowNs;
      slots.readyNs[slot] = nowNs;
      this.#recorder.planned(nowNs);
    }
    this.#sender.send(conn, slots.plannedNs[slot]!, nowNs, slot, slots.readyNs[slot]!);
  }

  /** What was under way on the connection has its end. Its client's next; −1: there is none. */
  #ended(conn: number, nowNs: number): number {
    const slot = this.#slotOf[conn]!;
    if (slot === NONE) return NONE;
    this.#slotOf[conn] = NONE;
    this.#slots.release(slot);
    return this.#nextOf(this.#slots.session[slot]!, nowNs);
  }

  #nextOf(entry: number, nowNs: number): number {
    const follower = this.#sessions.next(entry);
    if (follower !== NONE) this.#slots.readyNs[follower] = nowNs;
    return follower;
  }

  /** A client's next goes out on its connection at once, unless somebody else has waited longer. */
  #isBeforeReady(slot: number): boolean {
    return this.#slots.order[slot]! < this.#ready.lowestKey;
  }

  /** The longest waiting is never sent. */
  #giveUp(nowNs: number): void {
    const slot = this.#waiting.shift();
    const entry = this.#slots.session[slot]!;
    this.#recorder.unsent(this.#slots.plannedNs[slot]!, nowNs, this.#slots.readyNs[slot]!);
    if (this.#ready.length > 0 && this.#ready.lowest === slot) {
      this.#ready.shift();
      const follower = this.#nextOf(entry, nowNs);
      if (follower !== NONE) this.#offer(follower);
    } else this.#sessions.dequeue(entry);
    this.#slots.release(slot);
  }
}
