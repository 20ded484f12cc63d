/** Looks now and then at what each load thread does: how its own CPU time divides, without asking it. */
import type { DoingSamples } from '../../record/load.ts';
import { COUNTER, DOING, type ThreadMemory } from './thread-memory.ts';

/** No divisor of a usual rate, so that constant arrivals do not meet it at the same place again and again. */
export const SAMPLE_EVERY_MS = 19;

export class DoingSampler {
  readonly #memories: readonly Pick<ThreadMemory, 'counters'>[];
  readonly #samples: DoingSamples[];

  constructor(memories: readonly Pick<ThreadMemory, 'counters'>[]) {
    this.#memories = memories;
    this.#samples = memories.map(() => ({ count: 0, parsing: 0, checking: 0 }));
  }

  /** One look at all threads, a µs. */
  look(): void {
    for (const [i, { counters }] of this.#memories.entries()) {
      const samples = this.#samples[i]!;
      const doing = counters[COUNTER.doing];
      samples.count++;
      if (doing === DOING.parsing) samples.parsing++;
      else if (doing === DOING.checking) samples.checking++;
    }
  }

  of(threadIndex: number): DoingSamples {
    return this.#samples[threadIndex]!;
  }
}
