/** How long to wait before a worker that ended is started again. */
const SHORT_LIFE_MS = 1000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

export class BackOff {
  static readonly longestMs: number = LONGEST_WAIT_MS;
  #shortLives = 0;

  /** 0 after a life worth the name; else twice as long each time, from 100 ms to 5 s. */
  afterMs(lifeMs: number): number {
    if (lifeMs >= SHORT_LIFE_MS) {
      this.#shortLives = 0;
      return 0;
    }
    const waitMs = FIRST_WAIT_MS * 2 ** this.#shortLives;
    if (waitMs >= LONGEST_WAIT_MS) return LONGEST_WAIT_MS;
    this.#shortLives++;
    return waitMs;
  }
}
