/** What a profile of the load threads is, whichever way it was taken. */

export type ClientProfile = {
  /** Of `perf`: whether the kernel's frames are in it. `inspector`: JavaScript alone, by V8's own profiler. */
  source: 'perf' | 'perf-user' | 'inspector';
  ratePerSec: number;
  sampleCount: number;
  /** Samples for which there was no room. */
  lostCount: number;
  /** CPU time of the main thread: for reading them beside the load, and for naming them after it. */
  readNs: number;
  nameNs: number;
  /** Why not more was seen; empty when all was. */
  unseen: string;
  /** One thread a stack: outermost first, its thread's name before all. */
  stacks: ProfileStack[];
};

export type ProfileFrame = { name: string; kernel: boolean };
export type ProfileStack = { frames: ProfileFrame[]; count: number };

/** Not a divisor of a usual rate, so that regular work is met at all its places. */
export const PROFILE_RATE_PER_SEC = 499;
