/**
 * Work of some length in pieces, for a thread that has a loop to turn as well: half a millisecond at a time, with a turn
 * of Node's loop, and in a server of one process of the server's, between two pieces.
 */
const PIECE_MS = 0.5;

export class Pace {
  #untilMs = performance.now() + PIECE_MS;
  /** The longest piece so far, ms. */
  longestMs = 0;

  /** When this piece is over, on performance.now(). */
  get untilMs(): number {
    return this.#untilMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#untilMs;
  }

  /** Ends this piece; resolves when the next begins. */
  async rest(): Promise<void> {
    this.longestMs = Math.max(this.longestMs, performance.now() - this.#untilMs + PIECE_MS);
    await new Promise((resolve) => setImmediate(resolve));
    this.#untilMs = performance.now() + PIECE_MS;
  }
}
