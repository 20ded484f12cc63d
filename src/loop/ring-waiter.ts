/** How the ring loop waits: it sleeps in io_uring_enter(2) up to spinNs before its deadline, then watches memory. */
import { OP_TIMER, type Submitter } from './submitter.ts';

/** Seconds of a timer fit 32 bits with room to spare; longer sleeps end early and are repeated. */
const LONGEST_SLEEP_NS = 1e6 * 1e9;

export class RingWaiter {
  readonly #submitter: Submitter;
  readonly #nowNs: () => number;
  readonly #spinNs: number;
  /** When the earliest timer of ours fires; Infinity when none is set. Later ones may be set too, and wake for nothing. */
  #timerAtNs = Number.POSITIVE_INFINITY;
  #timerNumber = 0;

  constructor(submitter: Submitter, nowNs: () => number, spinNs: number) {
    this.#submitter = submitter;
    this.#nowNs = nowNs;
    this.#spinNs = spinNs;
  }

  /** Submits all requests, and waits for a completion until `wakeAtNs`: 0 does not wait, Infinity has no deadline. */
  wait(wakeAtNs: number): void {
    const { ring, stats } = this.#submitter;
    stats.waitCount++;
    if (wakeAtNs === Number.POSITIVE_INFINITY) {
      this.#submitter.enter(1);
      return;
    }
    if (wakeAtNs === 0) {
      if (ring.unsubmittedCount > 0 || ring.needsEnter) this.#submitter.enter(0);
      stats.peekCount++;
      return;
    }
    let nowNs = this.#nowNs();
    // Seen from the kernel, a turn that waits for nothing belongs to the cycle before it.
    if (wakeAtNs <= nowNs) stats.peekCount++;
    // An older, earlier timer may end a sleep too soon: then sleep again, instead of spinning the rest away.
    for (
      let sleepNs = wakeAtNs - this.#spinNs - nowNs;
      sleepNs > 0;
      sleepNs = wakeAtNs - this.#spinNs - nowNs
    ) {
      this.#armTimer(nowNs, sleepNs);
      this.#submitter.enter(1);
      if (ring.cqReady() > 1) return;
      // Our timer alone ends the sleep, not the wait; anything else is an event.
      if (ring.cqReady() === 1 && !this.#takeTimer()) return;
      nowNs = this.#nowNs();
    }
    if (ring.unsubmittedCount > 0) this.#submitter.enter(0);
    this.#spin(wakeAtNs);
  }

  /** A method of its own, so that V8 has room to take the clock in here: else each of its readings makes a heap number. */
  #spin(wakeAtNs: number): void {
    const { ring, stats } = this.#submitter;
    const startNs = this.#nowNs();
    let nowNs = startNs;
    while (ring.cqReady() === 0 && nowNs < wakeAtNs) {
      if (ring.needsEnter) this.#submitter.enter(0);
      nowNs = this.#nowNs();
    }
    stats.spinNs += nowNs - startNs;
  }

  /** A timer's completion was read: its high word. */
  timerFired(number: number): void {
    if (number === this.#timerNumber) this.#timerAtNs = Number.POSITIVE_INFINITY;
  }

  /** A timer that fires before the sleep should end is kept: it costs a cycle when it fires, not one on every wait. */
  #armTimer(nowNs: number, sleepNs: number): void {
    if (this.#timerAtNs <= nowNs + sleepNs) return;
    this.#submitter.makeRoom(1);
    this.#timerAtNs = nowNs + sleepNs;
    this.#timerNumber = (this.#timerNumber + 1) | 0;
    this.#submitter.ring.timer(Math.min(sleepNs, LONGEST_SLEEP_NS), OP_TIMER, this.#timerNumber);
  }

  /** Consumes the one completion there is, if it is a timer's. */
  #takeTimer(): boolean {
    const { ring } = this.#submitter;
    if (ring.cqeLow(ring.cqHead) !== OP_TIMER) return false;
    this.timerFired(ring.cqeHigh(ring.cqHead));
    ring.consume(1);
    return true;
  }
}
