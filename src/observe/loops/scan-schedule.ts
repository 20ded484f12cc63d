/**
 * When to look for loops that came and went: twice a second while threads begin, or none is watched; else every two
 * seconds, as some begin unseen and some take up waiting late; more seldom where a look takes long, soon when one ended.
 */
const EVERY_NS = 500e6;
const CALM_EVERY_NS = 2e9;
/** After the last beginning or end: what began may take a while to wait for the first time. */
const CALM_AFTER_NS = 5e9;
const LONGEST_NS = 900e6;
/** Of the time, at most a hundredth. */
const TIMES_TAKEN = 100;
/** After the last look, when a watched thread ended; and once more, as its end may not have been over by then. */
const SOON_NS = 100e6;

/** Counts, as far as they came; `watched`: loops now. */
export type Comings = { endings: number; beginnings: number; watched: number };

export type ScanSchedule = {
  isDue(nowNs: number, comings: Comings): boolean;
  /** A look began then and took so long. */
  looked(nowNs: number, tookNs: number): void;
};

export function createScanSchedule(startNs: number): ScanSchedule {
  let lookedNs = startNs;
  let atLeastNs = EVERY_NS;
  let stirredNs = startNs;
  let before: Comings = { endings: 0, beginnings: 0, watched: 0 };
  let soonCount = 0;
  return {
    isDue(nowNs, comings) {
      if (comings.endings !== before.endings) soonCount = 2;
      const stirs = comings.endings !== before.endings || comings.beginnings !== before.beginnings;
      if (stirs || comings.watched === 0) stirredNs = nowNs;
      before = comings;
      const everyNs = nowNs - stirredNs < CALM_AFTER_NS ? atLeastNs : CALM_EVERY_NS;
      return nowNs >= lookedNs + (soonCount > 0 ? Math.min(everyNs, SOON_NS) : everyNs);
    },
    looked(nowNs, tookNs) {
      if (soonCount > 0) soonCount--;
      lookedNs = nowNs;
      atLeastNs = Math.min(LONGEST_NS, Math.max(EVERY_NS, TIMES_TAKEN * tookNs));
    },
  };
}
