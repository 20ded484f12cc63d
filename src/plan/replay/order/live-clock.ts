/** A stamp further ahead than this is wrong. */
const AHEAD_SEC = 60;
/** A line that was written a second ago may still lie in a buffer. */
const BUFFERED_SEC = 1;

/**
 * The log's clock, for a log that is written now: as far behind ours as its lines were at least when they came. It goes on
 * while the log is silent, and also when the log has no zone, or another clock than ours.
 */
export class LiveClock {
  readonly #nowSec: () => number;
  /** The least that our clock was ahead of a line's stamp. */
  #aheadSec: number = Number.POSITIVE_INFINITY;
  #newestSec = 0;

  /** `nowSec`: seconds since 1970. */
  constructor(nowSec: () => number = () => Date.now() / 1000) {
    this.#nowSec = nowSec;
  }

  /** A line came; false when its stamp cannot be right. */
  see(stampSec: number): boolean {
    const aheadSec = this.#nowSec() - stampSec;
    if (aheadSec < this.#aheadSec - AHEAD_SEC && this.#aheadSec !== Number.POSITIVE_INFINITY) return false;
    if (aheadSec < this.#aheadSec) this.#aheadSec = aheadSec;
    if (stampSec > this.#newestSec) this.#newestSec = stampSec;
    return true;
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
