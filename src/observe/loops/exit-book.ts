import type { LoopRecord, ObservationRecord } from '../../record/observation.ts';

/** Which watched processes ended, each once, with the time that was noticed. */
export type ExitBook = {
  /** A thread of the process ended then: so did the process, perhaps. */
  threadEnded(pid: number, atNs: number): void;
  /** All ends. A process whose memory is gone may yet be seen to run for a moment, so all that lost a loop are asked for again. */
  finish(records: readonly LoopRecord[], roots: Iterable<number>, nowNs: number): ObservationRecord['exits'];
};

export function createExitBook(hasExited: (pid: number) => boolean): ExitBook {
  const atNsOf = new Map<number, number>();
  const threadEnded = (pid: number, atNs: number) => {
    if (!atNsOf.has(pid) && hasExited(pid)) atNsOf.set(pid, atNs);
  };
  return {
    threadEnded,
    finish(records, roots, nowNs) {
      const ended = records.filter((record) => record.endNs !== null).sort((a, b) => b.endNs! - a.endNs!);
      for (const { pid, endNs } of ended) threadEnded(pid, endNs!);
      for (const pid of roots) threadEnded(pid, nowNs);
      return [...atNsOf].map(([pid, atNs]) => ({ pid, atNs }));
    },
  };
}
