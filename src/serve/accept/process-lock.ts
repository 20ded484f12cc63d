/**
 * A lock between processes: one word of shared memory that holds the owner's pid, or 0. It is only ever tried, never
 * waited for.
 */
export class ProcessLock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #pid: number;

  constructor(words: Int32Array, at: number, pid: number) {
    this.#words = words;
    this.#at = at;
    this.#pid = pid;
  }

  /** True when it is this process's now; also when it was before. */
  tryTake(): boolean {
    const owner = Atomics.compareExchange(this.#words, this.#at, 0, this.#pid);
    return owner === 0 || owner === this.#pid;
  }

  /** Gives it back, if it is this process's. */
  release(): void {
    Atomics.compareExchange(this.#words, this.#at, this.#pid, 0);
  }

  /** Takes it from a process that died with it. True when it had it. */
  breakFor(deadPid: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at, deadPid, 0) === deadPid;
  }
}
