import { printable } from '../../base/printable.ts';
import type { CycleWindow, LoopRecord, ObservationRecord, Stall } from '../../record/observation.ts';
import { STALL } from '../limits.ts';
import { parseCpuList } from './cpu-list.ts';
import { histogramQuantile, sumHistograms } from './cycle-histogram.ts';
import { amount, ratio, sumBy } from './numbers.ts';

/** One watched loop over the whole observation. */
export type LoopFacts = {
  loopIndex: number;
  record: LoopRecord;
  /** "nginx (pid 12)" or, for a thread that is not the main one, "redis-server (pid 12, thread 15)". */
  name: string;
  /** Time it was watched for. */
  timeNs: number;
  cycleCount: number;
  /** It was watched, and did not wake once: nothing is known of how it would do. */
  slept: boolean;
  eventCount: number;
  workNs: number;
  waitNs: number;
  cpuNs: number;
  runDelayNs: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  majorFaults: number;
  timeoutCount: number;
  workNsP50: number | null;
  workNsP99: number | null;
  eventsP50: number | null;
  eventsP99: number | null;
  overshootNsP99: number | null;
  /** Runnable to running at the end of a wait. */
  wakeNsP50: number | null;
  wakeNsP99: number | null;
  /** Share of time outside its waits; null in the proc tier. */
  busyShare: number | null;
  cpuShare: number;
  runDelayShare: number;
  /** Time in D state, from samples, in the proc tier. */
  blockedNs: number;
  /** CPU time that one usual event costs, stalled cycles left out; null when it cannot be told. */
  normalEventNs: number | null;
  allowedCpus: Set<number> | null;
};

export function loopFactsOf(observation: ObservationRecord): LoopFacts[] {
  const windows = groupByLoop(observation.windows);
  const stalls = groupByLoop(observation.stalls);
  return observation.loops.map((record) =>
    factsOfLoop(
      record,
      windows.get(record.loopIndex) ?? [],
      stalls.get(record.loopIndex) ?? [],
      observation.losses.stallsNotKept,
    ),
  );
}

function factsOfLoop(
  record: LoopRecord,
  windows: CycleWindow[],
  stalls: Stall[],
  stallsNotKept: number,
): LoopFacts {
  const timeNs = sumBy(windows, (w) => w.durationNs);
  const work = sumHistograms(windows.map((w) => w.workHistogram));
  const events = sumHistograms(windows.map((w) => w.eventHistogram));
  const overshoot = sumHistograms(windows.map((w) => w.overshootHistogram));
  const wake = sumHistograms(windows.map((w) => w.wakeHistogram));
  const workNs = sumBy(windows, (w) => w.workNs);
  const waitNs = sumBy(windows, (w) => w.waitNs);
  const eventCount = sumBy(windows, (w) => w.eventCount);
  const workNsP50 = histogramQuantile(work, 0.5);
  const eventsP50 = histogramQuantile(events, 0.5);
  const cpuNs = sumBy(windows, (w) => w.cpuNs);
  const runDelayNs = sumBy(windows, (w) => w.runDelayNs);
  const normalEventNs = normalEvent(workNs, eventCount, stalls, stallsNotKept, workNsP50, eventsP50);
  const cycleCount = sumBy(windows, (w) => w.cycleCount);
  const voluntarySwitches = sumBy(windows, (w) => w.voluntarySwitches);
  const blockedNs = sumBy(windows, (w) => Math.min(1, amount(w.blockedShare)) * amount(w.durationNs));
  const moved = cycleCount + voluntarySwitches + cpuNs + runDelayNs + blockedNs + stalls.length > 0;
  return {
    loopIndex: record.loopIndex,
    record,
    name: loopName(record),
    timeNs,
    cycleCount,
    slept: timeNs > 0 && !moved,
    eventCount,
    workNs,
    waitNs,
    cpuNs,
    runDelayNs,
    voluntarySwitches,
    involuntarySwitches: sumBy(windows, (w) => w.involuntarySwitches),
    majorFaults: sumBy(windows, (w) => w.majorFaults),
    timeoutCount: sumBy(windows, (w) => w.timeoutCount),
    workNsP50,
    workNsP99: histogramQuantile(work, 0.99),
    eventsP50,
    eventsP99: histogramQuantile(events, 0.99),
    overshootNsP99: histogramQuantile(overshoot, 0.99),
    wakeNsP50: histogramQuantile(wake, 0.5),
    wakeNsP99: histogramQuantile(wake, 0.99),
    busyShare: workNs + waitNs > 0 ? ratio(workNs, workNs + waitNs) : null,
    cpuShare: ratio(cpuNs, timeNs),
    runDelayShare: ratio(runDelayNs, timeNs),
    blockedNs,
    normalEventNs,
    allowedCpus: parseCpuList(record.cpusAllowed),
  };
}

/**
 * The mean over unstalled cycles is the better estimate, but only while every stall is known; otherwise, or when
 * most events came in stalls, the ratio of the medians stands in.
 */
function normalEvent(
  workNs: number,
  eventCount: number,
  stalls: Stall[],
  stallsNotKept: number,
  workNsP50: number | null,
  eventsP50: number | null,
): number | null {
  const stalled = stalls.filter((stall) => stall.kind === 'work');
  const calmEvents = eventCount - sumBy(stalled, (s) => s.eventCount);
  const calmNs = workNs - sumBy(stalled, (s) => s.wallNs);
  const representative = calmEvents >= STALL.calmEventShare * eventCount && calmEvents >= 20;
  if (representative && calmNs > 0 && !(stallsNotKept > 0)) return calmNs / calmEvents;
  return workNsP50 === null ? null : workNsP50 / Math.max(1, eventsP50 ?? 1);
}

function loopName(record: LoopRecord): string {
  const comm = printable(record.comm, 40) || 'unnamed';
  const thread = record.tid === record.pid ? '' : `, thread ${record.tid}`;
  return `${comm} (pid ${record.pid}${thread})`;
}

function groupByLoop<T extends { loopIndex: number }>(items: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.loopIndex);
    if (group) group.push(item);
    else groups.set(item.loopIndex, [item]);
  }
  return groups;
}
