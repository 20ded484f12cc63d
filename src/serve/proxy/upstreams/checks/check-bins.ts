/**
 * How evenly checks begin: counts in bins of 100 ms over the last minute, and their index of dispersion (variance by
 * mean: 1 for checks that come one by one by chance, less for a metronome, the whole count when all come together). Bins in
 * which this thread never looked, because it was stopped, say nothing of the schedule, and are left out.
 */
export const BIN_NS = 100e6;
const BIN_COUNT = 600;

export class CheckBins {
  readonly #counts: Float64Array = new Float64Array(BIN_COUNT);
  #bin = -1;
  #inBin = 0;
  /** A bin that was entered or left by a jump of the clock was not seen whole. */
  #isWhole = false;
  #closedCount = 0;
  #sum = 0;
  #squares = 0;
  /** Most checks in a bin, ever. */
  most = 0;

  /** Now, with so many checks begun since the last time. At least once a bin. Whether a bin was closed. */
  look(nowNs: number, begun: number): boolean {
    const bin = Math.floor(nowNs / BIN_NS);
    const isNew = bin !== this.#bin;
    if (isNew) {
      const isNext = bin === this.#bin + 1;
      if (isNext && this.#isWhole) this.#close();
      this.#isWhole = isNext && this.#bin >= 0;
      this.#bin = bin;
      this.#inBin = 0;
    }
    this.#inBin += begun;
    return isNew;
  }

  get mean(): number {
    return this.#closedCount === 0 ? 0 : this.#sum / Math.min(this.#closedCount, BIN_COUNT);
  }

  /** NaN with fewer than ten bins, or no checks. */
  get dispersion(): number {
    const n = Math.min(this.#closedCount, BIN_COUNT);
    if (n < 10 || this.#sum === 0) return Number.NaN;
    return (this.#squares - (this.#sum * this.#sum) / n) / (n - 1) / (this.#sum / n);
  }

  #close(): void {
    const at = this.#closedCount++ % BIN_COUNT;
    const old = this.#counts[at]!;
    this.#counts[at] = this.#inBin;
    this.#sum += this.#inBin - old;
    this.#squares += this.#inBin ** 2 - old ** 2;
    if (this.#inBin > this.most) this.most = this.#inBin;
  }
}
