/** Hands what the reader of a log brings to the load threads: each client has its thread. */
import type { ReplaySink } from '../../plan/replay/replay-reader.ts';
import type { ReplayRequest } from '../../plan/replay/replay-request.ts';
import type { RingMemory } from './ring-memory.ts';
import { RingWriter } from './ring-writer.ts';

export class RingSink implements ReplaySink {
  /** Requests too long for a ring. */
  tooLongCount = 0;
  readonly #rings: readonly RingWriter[];
  readonly #signal: AbortSignal;
  readonly #onFirst: () => void;
  #full: RingWriter;
  #lastNs = Number.NaN;

  /** `onFirst`: called when the first request is handed over. After `signal` what comes is dropped. */
  constructor(rings: readonly RingMemory[], signal: AbortSignal, onFirst: () => void) {
    this.#rings = rings.map((ring) => new RingWriter(ring));
    this.#signal = signal;
    this.#onFirst = onFirst;
    this.#full = this.#rings[0]!;
  }

  push(request: ReplayRequest): boolean {
    if (this.#signal.aborted) return true;
    const ring = this.#rings[(Math.imul(request.session, 0x9e3779b1) >>> 16) % this.#rings.length]!;
    if (request.end - request.start > ring.longest) {
      this.tooLongCount++;
      return true;
    }
    const isFirst = Number.isNaN(this.#lastNs);
    if (!ring.push(request, isFirst ? -1 : request.plannedNs - this.#lastNs)) {
      this.#full = ring;
      return false;
    }
    this.#lastNs = request.plannedNs;
    if (isFirst) this.#onFirst();
    return true;
  }

  async room(): Promise<void> {
    if (!this.#signal.aborted) await this.#full.room();
  }

  /** No request follows. */
  end(): void {
    for (const ring of this.#rings) ring.end();
  }
}
