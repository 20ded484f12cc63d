/** An open loop: requests are due by a schedule, whatever the server does, and go out on any free connection. */
import type { Schedule } from '../../plan/arrivals/arrival.ts';
import { DueQueue } from '../lists/due-queue.ts';
import type { Pace, PaceParts } from './pace.ts';

export class OpenPace implements Pace {
  readonly #sender: PaceParts['sender'];
  readonly #standing: PaceParts['standing'];
  readonly #idle: PaceParts['standing']['idle'];
  readonly #recorder: PaceParts['recorder'];
  readonly #outgoing: PaceParts['outgoing'];
  readonly #nowNs: () => number;
  readonly #schedule: Schedule;
  readonly #queue: DueQueue;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  /** The schedule's next, ns since run start. */
  #nextNs = Number.POSITIVE_INFINITY;

  /** Times of the schedule are ns since the load's start. At most `queueLimit` requests wait for a connection. */
  constructor(parts: PaceParts, schedule: Schedule, queueLimit: number) {
    this.#sender = parts.sender;
    this.#standing = parts.standing;
    this.#idle = parts.standing.idle;
    this.#recorder = parts.recorder;
    this.#outgoing = parts.outgoing;
    this.#nowNs = parts.nowNs;
    this.#schedule = schedule;
    this.#queue = new DueQueue(queueLimit);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  start(startNs: number): void {
    this.#startNs = startNs;
    this.#takeNext();
  }

  turn(nowNs: number): void {
    this.#takeDue(nowNs);
    this.#sendDue();
  }

  opened(conn: number): void {
    this.#standing.offer(conn);
  }

  replied(conn: number, nowNs: number): void {
    const standing = this.#standing;
    if (this.#queue.length > 0 && standing.maySend(conn) && standing.roomLeft > 0) {
      this.#sender.send(conn, this.#queue.shift(), nowNs, this.#outgoing.take());
    }
    standing.offer(conn);
  }

  lost(): void {}

  waitNs(nowNs: number, tickNs: number): number {
    // Without a free connection there is nothing to be on time for: the next reply is what matters.
    return this.#idle.length > 0 ? this.#nextNs - nowNs : tickNs;
  }

  end(nowNs: number, endNs: number, isStopped: boolean): void {
    this.#takeDue(endNs);
    if (!isStopped) this.#sendDue();
    while (this.#queue.length > 0) this.#recorder.unsent(this.#queue.shift(), nowNs);
  }

  #takeNext(): void {
    this.#nextNs = this.#startNs + this.#schedule.nextPlannedNs();
  }

  #takeDue(nowNs: number): void {
    while (this.#nextNs <= nowNs) {
      this.#recorder.planned(this.#nextNs);
      // The longest waiting is given up: what is sent stays as fresh as the queue allows.
      if (this.#queue.isFull) this.#recorder.unsent(this.#queue.shift(), nowNs);
      this.#queue.push(this.#nextNs);
      this.#takeNext();
    }
  }

  #sendDue(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0 && this.#standing.roomLeft > 0) {
      const conn = this.#idle.shift();
      if (!this.#standing.maySend(conn)) continue;
      this.#sender.send(conn, this.#queue.shift(), this.#nowNs(), this.#outgoing.take());
      this.#standing.offer(conn);
    }
  }
}
