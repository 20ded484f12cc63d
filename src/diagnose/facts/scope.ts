import type { Stall } from '../../record/observation.ts';
import { SCOPE_WITHIN_NS } from '../limits.ts';
import type { LoopFacts } from './loops.ts';
import { ratio, sumBy } from './numbers.ts';

/** Who stalled together: the question that separates a shared resource from one thread's own work. */
export type ScopeFacts = {
  loopCount: number;
  /** Loops that stalled at all. */
  stalledLoopCount: number;
  /** Share of stalls during which every other loop stalled too; 0 with a single loop. */
  allAtOnceShare: number;
  /** The CPU with most stalled time, and its share of it. */
  cpu: number | null;
  cpuShare: number;
};

export function scopeOf(stalls: readonly Stall[], loops: readonly LoopFacts[]): ScopeFacts {
  const perLoop = new Map<number, Stall[]>();
  const perCpuNs = new Map<number, number>();
  for (const stall of stalls) {
    const list = perLoop.get(stall.loopIndex);
    if (list) list.push(stall);
    else perLoop.set(stall.loopIndex, [stall]);
    perCpuNs.set(stall.cpu, (perCpuNs.get(stall.cpu) ?? 0) + Math.max(0, stall.wallNs));
  }
  for (const list of perLoop.values()) list.sort((a, b) => a.startNs - b.startNs);
  let together = 0;
  if (loops.length > 1 && perLoop.size === loops.length) {
    for (const stall of stalls) {
      const others = [...perLoop].filter(([loopIndex]) => loopIndex !== stall.loopIndex);
      if (others.every(([, list]) => hasNeighbourInTime(list, stall))) together++;
    }
  }
  let cpu: number | null = null;
  for (const [candidate, ns] of perCpuNs) if (cpu === null || ns > perCpuNs.get(cpu)!) cpu = candidate;
  return {
    loopCount: loops.length,
    stalledLoopCount: perLoop.size,
    allAtOnceShare: ratio(together, stalls.length),
    cpu,
    cpuShare:
      cpu === null
        ? 0
        : ratio(
            perCpuNs.get(cpu)!,
            sumBy(stalls, (stall) => stall.wallNs),
          ),
  };
}

/** One sentence, or null when there is nothing to tell apart. */
export function describeScope(scope: ScopeFacts): string | null {
  if (scope.loopCount < 2 || scope.stalledLoopCount === 0) return null;
  if (scope.stalledLoopCount === 1)
    return `only one of ${scope.loopCount} loops stalled: its own work, or its own CPU`;
  if (scope.allAtOnceShare >= 0.5) {
    return `all ${scope.loopCount} loops stalled together most of the time: look for something they share`;
  }
  if (scope.cpuShare >= 0.9)
    return `${Math.round(scope.cpuShare * 100)} % of the stalled time was on CPU ${scope.cpu}`;
  return null;
}

/** Stalls are sorted by start and, on one loop, do not overlap: only the two round the moment can match. */
function hasNeighbourInTime(sorted: readonly Stall[], stall: Stall): boolean {
  let low = 0;
  let high = sorted.length;
  const until = stall.startNs + stall.wallNs + SCOPE_WITHIN_NS;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.startNs <= until) low = middle + 1;
    else high = middle;
  }
  const before = sorted[low - 1];
  return before !== undefined && before.startNs + before.wallNs >= stall.startNs - SCOPE_WITHIN_NS;
}
