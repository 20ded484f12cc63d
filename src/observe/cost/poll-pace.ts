/**
 * How long to rest between two polls. Each costs a wake-up, which is most of what watching takes while there is little to
 * see: often while something goes on, seldom while nothing does, and seldom while the CPU budget is tight.
 */
import type { Tightness } from './cpu-holder.ts';

export type PollPace = {
  /** Something goes on: probes are armed, as by a stall. */
  stir(): void;
  restMs(tightness: Tightness): number;
};

const STIRRED_MS = 25;
/** Of the windows, at most; with those of 250 ms a turn that hangs is told of at the second look: within 300 ms. */
const QUIET_SHARE = 0.5;
const QUIET_MOST_MS = 500;
const TIGHT_MS = 140;
/** Cycles are not seen: only who comes and goes. */
const BLIND_MS = 250;
const QUIET_AFTER_NS = 2e9;

export function createPollPace(nowNs: () => number, windowNs: number): PollPace {
  const quietMs = Math.min(QUIET_MOST_MS, (QUIET_SHARE * windowNs) / 1e6);
  let stirredNs = nowNs();
  return {
    stir() {
      stirredNs = nowNs();
    },
    restMs(tightness) {
      if (tightness === 'blind') return BLIND_MS;
      const restMs = nowNs() - stirredNs < QUIET_AFTER_NS ? STIRRED_MS : quietMs;
      return tightness === 'tight' ? Math.max(TIGHT_MS, restMs) : restMs;
    },
  };
}
