const STEPS_MAX = 512;

/** Requests by time, in as many equal steps as there is room for; asked in the order of their starts. */
export class RateCurve {
  count = 0;
  firstNs: number = Number.NaN;
  lastNs = 0;
  peakPerSec = 0;
  peakSec = 0;
  stepSec = 1;
  readonly #counts: Float64Array = new Float64Array(STEPS_MAX);
  #sec: number = Number.NaN;
  #inSec = 0;

  add(startNs: number): void {
    this.count++;
    if (Number.isNaN(this.firstNs)) this.firstNs = startNs;
    this.lastNs = startNs;
    const sec = Math.floor(startNs / 1e9);
    this.#inSec = sec === this.#sec ? this.#inSec + 1 : 1;
    this.#sec = sec;
    if (this.#inSec > this.peakPerSec) {
      this.peakPerSec = this.#inSec;
      this.peakSec = sec;
    }
    const offsetSec = (startNs - this.firstNs) / 1e9;
    let step = Math.floor(offsetSec / this.stepSec);
    while (step >= STEPS_MAX) {
      this.#halve();
      step = Math.floor(offsetSec / this.stepSec);
    }
    this.#counts[step]!++;
  }

  #halve(): void {
    const counts = this.#counts;
    for (let i = 0; i < STEPS_MAX / 2; i++) counts[i] = counts[2 * i]! + counts[2 * i + 1]!;
    counts.fill(0, STEPS_MAX / 2);
    this.stepSec *= 2;
  }

  counts(): number[] {
    if (Number.isNaN(this.firstNs)) return [];
    const used = Math.floor((this.lastNs - this.firstNs) / 1e9 / this.stepSec) + 1;
    return [...this.#counts.subarray(0, used)];
  }
}
