import type { ObservationRecord } from '../../record/observation.ts';
import type { CulpritId } from '../finding.ts';
import { EXCESS } from '../limits.ts';
import { times } from '../words.ts';
import { type CauseTally, type Excess, tallySlices } from './excess.ts';
import type { LoadFacts } from './load.ts';
import type { LoopFacts } from './loops.ts';
import { amount } from './numbers.ts';
import { topActors } from './who.ts';

/** Culprits that are weather of the host as much as faults: they must weigh more before they are named. */
const HOST_CULPRITS: ReadonlySet<CulpritId> = new Set<CulpritId>([
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
  'cpu.steal',
]);

/** Being kept waiting and being pushed aside by the same processes is one fault seen in two phases. */
const CONTENTION = ['cpu.contended', 'cpu.preempted'] as const;

export type Weight = {
  tally: CauseTally;
  /** Large, repeated and felt enough to be named. */
  material: boolean;
  /** The test that decided, as a clause: "0.2 % of the loop's time, below 1 %". */
  why: string;
};

/** Weighs what one culprit cost. Null when it cost nothing at all. */
export function weigh(
  culprit: CulpritId,
  excess: Excess,
  loops: readonly LoopFacts[],
  record: ObservationRecord,
  load: LoadFacts | null,
): Weight | null {
  const tally = tallyFor(culprit, excess, loops);
  if (!tally || tally.lostNs === 0) return null;
  const host = HOST_CULPRITS.has(culprit);
  const limit = limitFor(culprit, tally, host, record);
  const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
  const share = `${percent(tally.worstLoopShare)} of the loop's time`;
  if (tally.worstLoopShare < limit && !wakesLate(tally)) {
    return { tally, material: false, why: `${share}, below ${percent(limit)}` };
  }
  const longAlone = !host && tally.longestNs >= EXCESS.singleStallNs;
  if (tally.count < EXCESS.repetitions && !longAlone) {
    return {
      tally,
      material: false,
      why: `it happened ${times(tally.count)}`,
    };
  }
  const affected = load?.responseOrWorse?.shareAbove(EXCESS.affectedNs);
  if (host && affected !== undefined && affected < EXCESS.affectedRequestShare) {
    return {
      tally,
      material: false,
      why: `${share}, but only ${percent(affected)} of requests took over 2 ms`,
    };
  }
  return { tally, material: true, why: share };
}

function limitFor(culprit: CulpritId, tally: CauseTally, host: boolean, record: ObservationRecord): number {
  if (culprit === 'cpu.steal') return EXCESS.stealShare;
  if (!host) return EXCESS.ownShare;
  return isSoleActor(tally, record) ? EXCESS.ownShare : EXCESS.hostShare;
}

/** One process, busy for most of the run, did most of it, time and again. */
function isSoleActor(tally: CauseTally, { neighbours, startNs, endNs }: ObservationRecord): boolean {
  const most = topActors(tally.slices)[0];
  if (!most || most.ns < EXCESS.soleActorShare * tally.lostNs) return false;
  const cpuNs = amount(neighbours.find((neighbour) => neighbour.pid === most.actor.pid)?.cpuNs);
  return tally.count >= EXCESS.soleActorCount && cpuNs >= EXCESS.soleActorCpus * (endNs - startNs);
}

function wakesLate(tally: CauseTally): boolean {
  return (
    tally.lateWakeShare >= EXCESS.lateWakeShare &&
    tally.lateWakeCount >= EXCESS.lateWakeCount &&
    tally.worstLoopShare >= EXCESS.lateWakeTimeShare
  );
}

/** The contention of both phases together, so that neither hides below the limit because of the other. */
function tallyFor(culprit: CulpritId, excess: Excess, loops: readonly LoopFacts[]): CauseTally | null {
  if (culprit !== 'cpu.contended' && culprit !== 'cpu.preempted') return excess.tallies.get(culprit) ?? null;
  const both = CONTENTION.flatMap((cause) => excess.tallies.get(cause)?.slices ?? []);
  return both.length === 0 ? null : tallySlices(culprit, both, loops, excess.lostNs);
}
