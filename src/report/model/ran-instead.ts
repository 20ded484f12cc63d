import { amount, ratio } from '../../diagnose/facts/numbers.ts';
import type { ObservationRecord } from '../../record/observation.ts';

/** Somebody who held the CPU while a loop was runnable. Strings are hostile until printable() has seen them. */
export type RanInstead = {
  pid: number;
  comm: string;
  kernelThread: boolean;
  ns: number;
  /** Of all run-queue time in stalls. */
  share: number;
  stallCount: number;
  /** From the list of neighbours, when it was there; empty otherwise. */
  commandLine: string;
  /** What it is to this run. */
  role: 'loopscope' | 'watched' | 'other';
};

/** Who ran while stalled loops waited for a CPU, longest first. */
export function ranInstead(observation: ObservationRecord, selfPids: readonly number[]): RanInstead[] {
  const byPid = new Map<number, RanInstead>();
  let totalNs = 0;
  for (const stall of observation.stalls) {
    totalNs += amount(stall.account.runQueue.totalNs);
    for (const who of stall.account.runQueue.contended) {
      let entry = byPid.get(who.pid);
      if (!entry) {
        const neighbour = observation.neighbours.find((candidate) => candidate.pid === who.pid);
        const watched =
          neighbour?.isWatched ||
          observation.loops.some((loop) => loop.pid === who.pid || loop.tid === who.pid);
        entry = {
          pid: who.pid,
          comm: who.comm.trim(),
          kernelThread: who.kernelThread,
          ns: 0,
          share: 0,
          stallCount: 0,
          commandLine: neighbour?.commandLine ?? '',
          role: neighbour?.isSelf || selfPids.includes(who.pid) ? 'loopscope' : watched ? 'watched' : 'other',
        };
        byPid.set(who.pid, entry);
      }
      entry.ns += amount(who.ns);
      entry.stallCount++;
    }
  }
  const list = [...byPid.values()].sort((a, b) => b.ns - a.ns);
  for (const entry of list) entry.share = ratio(entry.ns, totalNs);
  return list;
}
