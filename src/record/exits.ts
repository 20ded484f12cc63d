/** Which of the processes that ended during a watch leave a gap in it. */
import { NS_PER_S } from '../base/units.ts';
import type { ObservationRecord } from './observation.ts';
import type { Run } from './run.ts';

export type Exit = ObservationRecord['exits'][number];

/** Loops found at the start of a watch are written down within this time of the first one. */
const START_SPAN_NS = 0.2 * NS_PER_S;

/**
 * Ends of processes that the user named, and of workers that were there from the start, when fewer are left than there
 * were. Children that come and go (a snapshot's, an old worker's that a new one follows) are what servers do, and no gap.
 */
export function missedExits({ header, observation }: Pick<Run, 'header' | 'observation'>): Exit[] {
  if (observation === null) return [];
  const { exits, loops } = observation;
  const firstNs = loops.reduce((least, { startNs }) => Math.min(least, startNs), Number.POSITIVE_INFINITY);
  const gone = new Set(exits.map(({ pid }) => pid));
  const first = loops.filter(({ startNs }) => startNs <= firstNs + START_SPAN_NS);
  const left = loops.filter(({ pid, endNs }) => endNs === null && !gone.has(pid));
  const missed = new Set(header.watchedPids);
  if (left.length < first.length) for (const { pid } of first) missed.add(pid);
  return exits.filter(({ pid }) => missed.has(pid));
}
