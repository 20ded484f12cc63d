import type { WatchFacts } from './facts/facts.ts';
import type { CulpritId } from './finding.ts';

/**
 * What crowds of connections and of workers do by themselves: long turns, and a queue for the CPU. Other faults (a disk,
 * a sleep, a slow handler) are real whatever the arrivals, and come first.
 */
const OWN_DOING: ReadonlySet<CulpritId> = new Set<CulpritId>([
  'loop.too-many-events',
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
]);

/** A fault worth naming that neither the shape of the load nor the number of workers brings about. */
export function hasOtherFault(watch: WatchFacts): boolean {
  return watch.material.some((culprit) => !OWN_DOING.has(culprit));
}
