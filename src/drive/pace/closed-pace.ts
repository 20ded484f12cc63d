/** A closed loop: every connection is kept full; with a think time each rests between a reply and its next request. */
import type { Pace, PaceParts } from './pace.ts';
import { Rests } from './rests.ts';

export class ClosedPace implements Pace {
  readonly waiting = 0;
  readonly #sender: PaceParts['sender'];
  readonly #standing: PaceParts['standing'];
  readonly #idle: PaceParts['standing']['idle'];
  readonly #recorder: PaceParts['recorder'];
  readonly #outgoing: PaceParts['outgoing'];
  readonly #nowNs: () => number;
  readonly #rests: Rests;

  /** `think`: how long a connection rests; null: not at all. */
  constructor(parts: PaceParts, think: { nextNs(): number } | null) {
    this.#sender = parts.sender;
    this.#standing = parts.standing;
    this.#idle = parts.standing.idle;
    this.#recorder = parts.recorder;
    this.#outgoing = parts.outgoing;
    this.#nowNs = parts.nowNs;
    this.#rests = new Rests(think, parts.connectionLimit);
  }

  start(): void {}

  turn(nowNs: number): void {
    this.#wake(nowNs);
    while (this.#idle.length > 0 && this.#standing.roomLeft > 0) {
      this.#fill(this.#idle.shift(), this.#nowNs());
    }
  }

  /** Whoever waits for a connection has this one. */
  opened(conn: number, nowNs: number): void {
    if (!this.#rests.isOn || !this.#rests.found(conn, nowNs)) this.#standing.offer(conn);
  }

  replied(conn: number, nowNs: number): void {
    if (!this.#rests.isOn) this.#fill(conn, nowNs);
    else if (this.#standing.isFree(conn)) this.#rests.begin(conn, nowNs);
  }

  /** Whoever rests on it waits for another. */
  lost(conn: number, nowNs: number): void {
    if (this.#rests.isOn) this.#rests.lost(conn, nowNs, this.#standing.sentCount[conn]! > 0);
  }

  waitNs(nowNs: number, tickNs: number): number {
    // With nothing left to send, who rests is not woken.
    return this.#standing.left > 0 ? this.#rests.earliestNs - nowNs : tickNs;
  }

  end(): void {}

  /** Connections whose rest is over send; their requests were due when it was. */
  #wake(nowNs: number): void {
    while (this.#rests.earliestNs <= nowNs && this.#standing.left > 0) {
      const plannedNs = this.#rests.earliestNs;
      this.#recorder.planned(plannedNs);
      this.#sender.send(this.#rests.wake(), plannedNs, this.#nowNs(), this.#outgoing.take());
    }
  }

  /** As many as the connection may have under way, at once. */
  #fill(conn: number, nowNs: number): void {
    const standing = this.#standing;
    if (!standing.maySend(conn)) return;
    const count = Math.min(standing.room(conn), this.#outgoing.batchLimit);
    if (count > 1) {
      for (let i = 0; i < count; i++) this.#recorder.planned(nowNs);
      this.#sender.sendBatch(conn, count, nowNs);
    }
    while (standing.maySend(conn) && standing.roomLeft > 0) {
      this.#recorder.planned(nowNs);
      this.#sender.send(conn, nowNs, nowNs, this.#outgoing.take());
    }
    standing.offer(conn);
  }
}
