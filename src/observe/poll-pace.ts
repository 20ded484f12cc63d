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
/** A third of a window of 250 ms; twice that, and a turn that hangs is still told of in time. */
const QUIET_MS = 83;
const TIGHT_MS = 100;
/** Cycles are not seen: only who comes and goes. */
const BLIND_MS = 250;
const QUIET_AFTER_NS = 2e9;

export function createPollPace(nowNs: () => number): PollPace {
  let stirredNs = nowNs();
  return {
    stir() {
      stirredNs = nowNs();
    },
    restMs(tightness) {
      if (tightness !== 'none') return tightness === 'blind' ? BLIND_MS : TIGHT_MS;
      return nowNs() - stirredNs < QUIET_AFTER_NS ? STIRRED_MS : QUIET_MS;
    },
  };
}
