import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';

/**
 * The client did not get the CPU it needed: out of CPU time, kept waiting for a CPU, or throttled. Three checks tell
 * which; lateness and the held rate ask only whether.
 */
export function isStarved(load: LoadFacts): boolean {
  return isCpuBound(load) || isKeptWaiting(load) || isThrottled(load);
}

/** Closed loop is meant to use all the CPU it gets, so only a schedule that was not kept shows a shortage. */
export function isCpuBound(load: LoadFacts): boolean {
  return load.open && load.client.busyShare >= SELF.clientCpuVoid && load.achievedShare < SELF.rateHeld;
}

export function isKeptWaiting(load: LoadFacts): boolean {
  if (!load.open || load.client.runQueueShare < SELF.clientRunQueueVoid) return false;
  // What was late was late for something else.
  const { main } = load.hindrances;
  if (main !== null && main !== 'clientAway') return false;
  return (load.lateness?.quantileNs(0.99) ?? 0) >= SELF.latenessVoidFloorNs;
}

export function isThrottled(load: LoadFacts): boolean {
  return (load.client.throttledShare ?? 0) >= SELF.clientThrottledVoid;
}
