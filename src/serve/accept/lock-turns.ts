import type { ProcessLock } from './process-lock.ts';
import type { Turns } from './strategy.ts';

/**
 * nginx's accept_mutex_delay: how long a worker that did not get the lock waits at most before it tries again. (Our loop
 * comes back sooner, to let signals in.)
 */
const RETRY_NS = 500e6;
/** nginx's rule: a worker that is over seven eighths full leaves new connections to others. */
const FULL_SHARE = 7 / 8;

/** Turns by a lock: whoever has it watches the listeners through one wait, accepts, and gives it back. */
export class LockTurns implements Turns {
  readonly retryNs = RETRY_NS;
  turnCount = 0;
  readonly #lock: ProcessLock;
  #isMine = false;

  constructor(lock: ProcessLock) {
    this.#lock = lock;
  }

  mayAccept(connectionCount: number, connectionLimit: number): boolean {
    if (connectionCount > connectionLimit * FULL_SHARE || !this.#lock.tryTake()) return false;
    this.#isMine = true;
    this.turnCount++;
    return true;
  }

  afterAccepts(): void {
    if (!this.#isMine) return;
    this.#isMine = false;
    this.#lock.release();
  }
}
