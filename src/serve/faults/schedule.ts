/** The faults of one server, and which request meets which. */
import type { Planted } from './fault.ts';
import type { FaultSpec } from './spec.ts';

export type FaultSchedule = {
  /** To be called for each request, before its reply. */
  onRequest(): void;
  readonly requestCount: number;
  /** Hits so far, by the text each fault was given as. */
  hitCounts(): Record<string, number>;
  [Symbol.dispose](): void;
};

/** Plants every fault. The Nth, 2Nth… request of the server meets a fault that comes every N. */
export function plantFaults(specs: readonly FaultSpec[]): FaultSchedule {
  const planted: Planted[] = [];
  const dispose = () => {
    for (const one of planted.splice(0)) one[Symbol.dispose]();
  };
  try {
    for (const spec of specs) planted.push(spec.fault.plant(spec.amount));
  } catch (error) {
    dispose();
    throw error;
  }
  const hits = specs.map(() => 0);
  let requestCount = 0;
  return {
    onRequest() {
      requestCount++;
      for (let i = 0; i < specs.length; i++) {
        if (requestCount % specs[i]!.every !== 0) continue;
        hits[i] = hits[i]! + 1;
        planted[i]!.hit();
      }
    },
    get requestCount() {
      return requestCount;
    },
    hitCounts: () => Object.fromEntries(specs.map((spec, i) => [spec.text, hits[i]!])),
    [Symbol.dispose]: dispose,
  };
}
