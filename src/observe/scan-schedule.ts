/** When to look for loops that came and went: twice a second, more seldom where a look takes long, soon when one ended. */
const EVERY_NS = 500e6;
const LONGEST_NS = 900e6;
/** Of the time, at most a hundredth. */
const TIMES_TAKEN = 100;
/** After the last look, when a watched thread ended; and once more, as its end may not have been over by then. */
const SOON_NS = 100e6;

export type ScanSchedule = {
  /** `endings`: how many watched threads have ended so far. */
  isDue(nowNs: number, endings: number): boolean;
  /** A look began then and took so long. */
  looked(nowNs: number, tookNs: number): void;
};

export function createScanSchedule(startNs: number): ScanSchedule {
  let lookedNs = startNs;
  let nextNs = startNs + EVERY_NS;
  let endingsBefore = 0;
  let soonCount = 0;
  return {
    isDue(nowNs, endings) {
      if (endings !== endingsBefore) soonCount = 2;
      endingsBefore = endings;
      return nowNs >= (soonCount > 0 ? Math.min(nextNs, lookedNs + SOON_NS) : nextNs);
    },
    looked(nowNs, tookNs) {
      if (soonCount > 0) soonCount--;
      lookedNs = nowNs;
      nextNs = nowNs + Math.min(LONGEST_NS, Math.max(EVERY_NS, TIMES_TAKEN * tookNs));
    },
  };
}
