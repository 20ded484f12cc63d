import { histogramQuantile, sumHistograms } from '../../diagnose/facts/cycle-histogram.ts';
import { amount, ratio, sumBy } from '../../diagnose/facts/numbers.ts';
import { cycleBucketHigh } from '../../record/cycle-buckets.ts';
import type { CycleWindow, LoopRecord, ObservationRecord } from '../../record/observation.ts';

/** One line of the loops table. Null: not visible in this tier, or nothing happened. */
export type LoopRow = {
  loopIndex: number;
  record: LoopRecord;
  /** Time watched. */
  timeNs: number;
  cycleCount: number;
  cyclesPerSec: number | null;
  workNsP50: number | null;
  workNsP99: number | null;
  workNsMax: number | null;
  eventsPerWakeUp: number | null;
  /** Share of time outside its waits; in the proc tier, of time on CPU. */
  busyShare: number;
  cpuShare: number;
  runDelayNs: number;
  runDelayShare: number;
  stallCount: number;
  stalledNs: number;
  acceptCount: number;
  acceptFirstEagainCount: number;
  /** Share of samples in uninterruptible sleep; proc tier only. */
  blockedShare: number | null;
};

/** One row a loop, in the order of the record. */
export function loopRows(observation: ObservationRecord): LoopRow[] {
  return observation.loops.map((record) => {
    const windows = observation.windows.filter((window) => window.loopIndex === record.loopIndex);
    const stalls = observation.stalls.filter((stall) => stall.loopIndex === record.loopIndex);
    const timeNs = sumBy(windows, (w) => w.durationNs);
    const cycleCount = sumBy(windows, (w) => w.cycleCount);
    const seesCycles = observation.tier === 'bpf';
    const longestWorkNs = Math.max(
      0,
      ...stalls.filter((s) => s.kind === 'work').map((s) => amount(s.wallNs)),
    );
    const work = sumHistograms(windows.map((w) => w.workHistogram));
    const cpuNs = sumBy(windows, (w) => w.cpuNs);
    const workNs = sumBy(windows, (w) => w.workNs);
    const waitNs = sumBy(windows, (w) => w.waitNs);
    const runDelayNs = sumBy(windows, (w) => w.runDelayNs);
    return {
      loopIndex: record.loopIndex,
      record,
      timeNs,
      cycleCount,
      cyclesPerSec: seesCycles && timeNs >= 1 ? (cycleCount / timeNs) * 1e9 : null,
      workNsP50: histogramQuantile(work, 0.5),
      workNsP99: histogramQuantile(work, 0.99),
      workNsMax: longestWorkNs > 0 ? longestWorkNs : topOf(work),
      eventsPerWakeUp: cycleCount >= 1 ? sumBy(windows, (w) => w.eventCount) / cycleCount : null,
      busyShare: seesCycles && workNs + waitNs > 0 ? ratio(workNs, workNs + waitNs) : ratio(cpuNs, timeNs),
      cpuShare: ratio(cpuNs, timeNs),
      runDelayNs,
      runDelayShare: ratio(runDelayNs, timeNs),
      stallCount: stalls.length,
      stalledNs: sumBy(stalls, (s) => s.wallNs),
      acceptCount: sumBy(windows, (w) => w.acceptCount),
      acceptFirstEagainCount: sumBy(windows, (w) => w.acceptFirstEagainCount),
      blockedShare: blockedShareOf(windows, timeNs),
    };
  });
}

/** End of the highest bucket in use: no cycle was longer. */
function topOf(counts: Float64Array): number | null {
  const bucket = counts.findLastIndex((count) => count > 0);
  return bucket < 0 ? null : cycleBucketHigh(bucket);
}

function blockedShareOf(windows: CycleWindow[], timeNs: number): number | null {
  if (windows.every((window) => window.blockedShare === null)) return null;
  return ratio(
    sumBy(windows, (w) => Math.min(1, amount(w.blockedShare)) * w.durationNs),
    timeNs,
  );
}
