/**
 * Who rests in a closed loop with a think time, and until when. A rest belongs to the user and not to the connection:
 * one whose connection is lost rests on, and goes on over the connection that takes its place.
 */
// Invariants
//  R1  A connection is asleep once at most, and only while it is open.
//  R2  There are never more rests without a connection than connections that are being opened anew.
import { DueQueue } from '../lists/due-queue.ts';
import { WakeHeap } from '../lists/wake-heap.ts';

export class Rests {
  /** False without a think time: nobody ever rests, and nothing here need be asked. */
  readonly isOn: boolean;
  readonly #think: { nextNs(): number } | null;
  readonly #asleep: WakeHeap;
  readonly #homeless: DueQueue;

  constructor(think: { nextNs(): number } | null, connectionLimit: number) {
    this.isOn = think !== null;
    this.#think = think;
    this.#asleep = new WakeHeap(this.isOn ? connectionLimit : 0);
    this.#homeless = new DueQueue(this.isOn ? connectionLimit : 1);
  }

  /** When the first rest ends; Infinity when nobody rests. */
  get earliestNs(): number {
    return this.#asleep.earliestNs;
  }

  /** The connection's replies are in. */
  begin(conn: number, nowNs: number): void {
    this.#asleep.push(conn, nowNs + this.#think!.nextNs());
  }

  /** The connection whose rest ends first rests no more. The caller has looked at `earliestNs`. */
  wake(): number {
    const conn = this.#asleep.earliest;
    this.#asleep.shift();
    return conn;
  }

  /** A connection is lost. `hasSent`: it had begun, so that an answer or its failure is what a rest follows. */
  lost(conn: number, nowNs: number, hasSent: boolean): void {
    const wakeNs = this.#asleep.remove(conn);
    if (wakeNs < Number.POSITIVE_INFINITY) this.#homeless.push(wakeNs);
    else if (hasSent) this.#homeless.push(nowNs + this.#think!.nextNs());
  }

  /** A connection is open: false when no rest waits for one. What is over by now ends now. */
  found(conn: number, nowNs: number): boolean {
    if (this.#homeless.length === 0) return false;
    this.#asleep.push(conn, Math.max(nowNs, this.#homeless.shift()));
    return true;
  }
}
