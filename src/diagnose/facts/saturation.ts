import { SATURATION } from '../limits.ts';
import type { Excess } from './excess.ts';
import type { LoadFacts } from './load.ts';
import type { LoopFacts } from './loops.ts';
import { ratio, sumBy } from './numbers.ts';
import type { Cause } from './slices.ts';

export type SaturationFacts = {
  /** Busiest loop, as a share of its time outside its waits. */
  busiest: { loop: LoopFacts; busyShare: number } | null;
  /** Loops without idle time whose time went into their own CPU work. */
  loops: LoopFacts[];
  /** More was offered than answered, or what was due queued for a connection. Null when nobody drove an open load. */
  offeredExceeds: boolean | null;
  /** Loops are saturated and work demonstrably queued. */
  proven: boolean;
};

/** Other named causes: a loop that loses its time to these is late, not saturated. Crowded turns are saturation's own. */
const NOT_OTHER: ReadonlySet<Cause> = new Set<Cause>(['self', 'loop.too-many-events']);

export function saturationOf(
  loops: readonly LoopFacts[],
  excess: Excess,
  load: LoadFacts | null,
): SaturationFacts {
  let busiest: SaturationFacts['busiest'] = null;
  const saturated: LoopFacts[] = [];
  for (const loop of loops) {
    const busyShare = busyShareOf(loop);
    if (!busiest || busyShare > busiest.busyShare) busiest = { loop, busyShare };
    if (busyShare < SATURATION.busyShare) continue;
    if (loop.cpuShare < SATURATION.cpuShareOfBusy * busyShare) continue;
    if (otherCauseShare(excess, loop, load) >= SATURATION.otherCauseShare) continue;
    saturated.push(loop);
  }
  const offeredExceeds = load?.open ? isOfferedMore(load) : null;
  return {
    busiest,
    loops: saturated,
    offeredExceeds,
    proven: saturated.length > 0 && offeredExceeds === true,
  };
}

/** Without cycles to look at, time on a CPU and time queueing for one is all that can be known. */
function busyShareOf(loop: LoopFacts): number {
  return loop.busyShare ?? Math.min(1, loop.cpuShare + loop.runDelayShare);
}

function otherCauseShare(excess: Excess, loop: LoopFacts, load: LoadFacts | null): number {
  let share = 0;
  for (const tally of excess.tallies.values()) {
    if (tally.cause.startsWith('open.') || NOT_OTHER.has(tally.cause)) continue;
    const ns = sumBy(tally.slices, (slice) => (slice.loopIndex === loop.loopIndex ? slice.ns : 0));
    const own = ratio(ns, loop.timeNs);
    if (tally.cause === 'cpu.steal' && load && !wouldKeepUp(load, own)) continue;
    share += own;
  }
  return share;
}

/** The hypervisor takes capacity, and no more than that: was it what the loop lacked? */
function wouldKeepUp(load: LoadFacts, stolenShare: number): boolean {
  return load.achievedShare >= SATURATION.achievedShare * (1 - stolenShare);
}

function isOfferedMore(load: LoadFacts): boolean {
  if (load.record.counts.planned > 0 && load.achievedShare < SATURATION.achievedShare) return true;
  if (!load.poolDry || !load.lateness || !load.response) return false;
  const waitNs = load.lateness.quantileNs(0.5);
  return waitNs >= SATURATION.queueNs && waitNs >= load.response.quantileNs(0.5) / 2;
}
