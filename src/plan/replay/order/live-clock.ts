/** A stamp further from the others than this is of a clock that jumped. */
const JUMP_SEC = 60;
/** So many in a row that agree, and the clock was set. */
const AGREEING_LINES = 16;
/** A line that was written so long ago may still lie in a buffer. */
const BUFFERED_SEC = 0.5;

/**
 * The log's clock, for a log that is written now: as far behind ours as its lines were at least when they came. It goes on
 * while the log is silent, and also when the log has no zone, or another clock than ours. When that is set, time goes on
 * as ours does.
 */
export class LiveClock {
  /** What is to be added to stamps since the log's clock was set. */
  shiftSec = 0;
  setCount = 0;
  readonly #nowSec: () => number;
  /** The least that our clock was ahead of a line's stamp. */
  #aheadSec: number = Number.POSITIVE_INFINITY;
  #newestSec = 0;
  /** Lines in a row whose stamps jump by about as much, and by how much the last did. */
  #jumpedCount = 0;
  #jumpSec = 0;

  /** `nowSec`: seconds since 1970. */
  constructor(nowSec: () => number = () => Date.now() / 1000) {
    this.#nowSec = nowSec;
  }

  /** A line came; false when its stamp lies ahead and cannot be right. An old one is for the window to judge. */
  see(stampSec: number): boolean {
    let aheadSec = this.#nowSec() - stampSec - this.shiftSec;
    if (this.#aheadSec !== Number.POSITIVE_INFINITY) {
      const isAhead = aheadSec < this.#aheadSec - JUMP_SEC;
      // Lines that come late are in their order, behind the newest.
      const isBack = stampSec + this.shiftSec < this.#newestSec - JUMP_SEC;
      if (!isAhead && !isBack) this.#jumpedCount = 0;
      else if (!this.#isSet(aheadSec - this.#aheadSec)) return !isAhead;
      aheadSec = this.#nowSec() - stampSec - this.shiftSec;
    }
    if (aheadSec < this.#aheadSec) this.#aheadSec = aheadSec;
    if (stampSec + this.shiftSec > this.#newestSec) this.#newestSec = stampSec + this.shiftSec;
    return true;
  }

  /** Whether so many stamps in a row say so that it is taken into account. */
  #isSet(jumpSec: number): boolean {
    this.#jumpedCount = Math.abs(jumpSec - this.#jumpSec) < JUMP_SEC ? this.#jumpedCount + 1 : 1;
    this.#jumpSec = jumpSec;
    if (this.#jumpedCount < AGREEING_LINES) return false;
    this.#jumpedCount = 0;
    this.shiftSec += jumpSec;
    this.setCount++;
    return true;
  }

  /** How far our clock is ahead of the log's; Infinity before the first line. */
  get aheadSec(): number {
    return this.#aheadSec;
  }

  /** What no stamp that is still to come lies before, as far as one can know; −Infinity before the first line. */
  logSec(): number {
    return this.#nowSec() - this.#aheadSec - BUFFERED_SEC;
  }

  /** How old the newest line is, ns; 0 before one. */
  behindNs(): number {
    if (this.#newestSec === 0) return 0;
    return Math.max(0, this.#nowSec() - this.#aheadSec - this.#newestSec) * 1e9;
  }
}
