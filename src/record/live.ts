/** What an observation tells while it goes on. Nothing of it is stored: the run file has the whole at the end. */
import type { CycleWindow, LoopRecord, ObserverLosses, Stall } from './observation.ts';

/**
 * A cycle that is over budget, or a wake-up that is late, and has not ended. Told again while it lasts, with where it is
 * stuck by then.
 */
export type OpenStall = {
  /** The same each time that this one is told of. */
  openIndex: number;
  loopIndex: number;
  startNs: number;
  /** So far. */
  wallNs: number;
  /** runnable: it could run, and does not. stopped: by a signal or a tracer. */
  state: 'on-cpu' | 'runnable' | 'blocked' | 'stopped';
  /**
   * As of a BlockedSlice; of one that runs, the call that its last sample met it in. Null when it runs its own code, or
   * that is hidden.
   */
  call: string | null;
  fdPath: string | null;
  /** Innermost first; of one that runs, when its last sample met it in the kernel. Empty without root. */
  kernelStack: string[];
  /**
   * Innermost first, as it was `userStackAtNs`: while the thread was blocked, or at its last CPU sample. Empty when it
   * was neither seen blocked nor sampled yet.
   */
  userStack: string[];
  userStackAtNs: number | null;
  /** Its account so far: as the probes saw it, or from counters when they were not there from its begin. */
  stall: Stall;
};

/** finished: its stall was told of under the same number. gone: the thread ended. lost: it ended and the record is lost. */
export type OpenStallEnd = {
  openIndex: number;
  loopIndex: number;
  how: 'finished' | 'gone' | 'lost';
  wallNs: number;
};

/** How the observer fares. */
export type ObserverStatus = {
  tier: 'bpf' | 'proc';
  /** "base", "armed", "armed, without interrupts", "proc"…: the last of the tier changes. */
  level: string;
  budgetNs: number;
  /** CPUs that the observer's own thread takes, of late. */
  ownCpus: number;
  /** CPUs that its probes take; null while not known. */
  programCpus: number | null;
  /** Share of one CPU that both may take; null without a limit. */
  cpuBudgetShare: number | null;
  losses: ObserverLosses;
};

/** Told in order of time, from the observer's own thread: what a listener takes counts as the observer's cost. */
export type LiveListener = {
  /** First of all: the wall-clock time (ms since 1970) that all other times are counted from. */
  onBegin?(startedWallMs: number): void;
  /** Found; and again when it is gone (`endNs`). */
  onLoop(record: LoopRecord): void;
  /** At the end of each window, one for each loop that lives. */
  onWindows(windows: readonly CycleWindow[], status: ObserverStatus): void;
  /** Finished. `openIndex`: it was told of before, while it lasted. */
  onStall(stall: Stall, openIndex: number | null): void;
  onOpenStall(open: OpenStall): void;
  onOpenStallEnd(end: OpenStallEnd): void;
  onTierChange(change: { atNs: number; tier: string; why: string }): void;
};
