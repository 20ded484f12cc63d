import type { HostSample, ObservationRecord } from '../../record/observation.ts';
import { RUN_QUEUE } from '../limits.ts';
import type { LoopFacts } from './loops.ts';
import { amount, ratio, sumBy } from './numbers.ts';

/** Differences of the host's counters over the observation. Null: not readable here. */
export type HostFacts = {
  stealNs: number | null;
  /** Steal as a share of all CPUs' time. */
  stealShare: number | null;
  /** Idle time (iowait included) as a share of all CPUs' time. */
  idleShare: number | null;
  listenOverflows: number | null;
  listenDrops: number | null;
  retransSegs: number | null;
  diskBusyShare: number | null;
};

/** The CPU quota above one loop: what its cgroup, or one of the groups it lies in, was throttled for. */
export type ThrottleFacts = {
  path: string;
  throttledNs: number;
  throttledCount: number;
  periodCount: number;
  /** Run-queue delay of all the watched loops below that group. */
  runDelayNs: number;
  /** Throttled time ÷ run-queue delay, at most 1. */
  share: number;
  quotaCpus: number | null;
  /** Enough of both to blame the quota for the delay. */
  proven: boolean;
};

export function hostFactsOf(observation: ObservationRecord): HostFacts {
  const first = observation.host[0];
  const last = observation.host.at(-1);
  const spanNs = first && last ? last.atNs - first.atNs : 0;
  const cpuNs = first && last ? total(last) - total(first) : 0;
  const stealNs =
    first && last ? amount(sumBy(last.cpus, (c) => c.stealNs) - sumBy(first.cpus, (c) => c.stealNs)) : null;
  const idleNs = first && last ? amount(idle(last) - idle(first)) : 0;
  const difference = (pick: (sample: HostSample) => number | null): number | null => {
    const from = first ? pick(first) : null;
    const to = last ? pick(last) : null;
    return from === null || to === null ? null : amount(to - from);
  };
  const diskBusyNs = difference((s) => s.diskBusyNs);
  return {
    stealNs,
    stealShare: stealNs === null || cpuNs <= 0 ? null : ratio(stealNs, cpuNs),
    idleShare: cpuNs <= 0 ? null : ratio(idleNs, cpuNs),
    listenOverflows: difference((s) => s.listenOverflows),
    listenDrops: difference((s) => s.listenDrops),
    retransSegs: difference((s) => s.retransSegs),
    diskBusyShare: diskBusyNs === null || spanNs <= 0 ? null : ratio(diskBusyNs, spanNs),
  };
}

/** Per loop index; loops under no throttled group are absent. */
export function throttlesOf(
  observation: ObservationRecord,
  loops: readonly LoopFacts[],
): Map<number, ThrottleFacts> {
  const groups = throttledGroups(observation);
  const throttles = new Map<number, ThrottleFacts>();
  for (const loop of loops) {
    let worst: ThrottledGroup | null = null;
    for (const group of groups) {
      if (!isUnder(loop.record.cgroupPath, group.path)) continue;
      if (!worst || group.throttledNs > worst.throttledNs) worst = group;
    }
    if (!worst) continue;
    const path = worst.path;
    const runDelayNs = sumBy(
      loops.filter((other) => isUnder(other.record.cgroupPath, path)),
      (other) => other.runDelayNs,
    );
    const share = ratio(worst.throttledNs, runDelayNs);
    throttles.set(loop.loopIndex, {
      ...worst,
      runDelayNs,
      share,
      quotaCpus: loop.record.cpuQuota,
      proven: share >= RUN_QUEUE.throttledShare && worst.throttledCount >= RUN_QUEUE.throttledPeriods,
    });
  }
  return throttles;
}

type ThrottledGroup = { path: string; throttledNs: number; throttledCount: number; periodCount: number };

function throttledGroups(observation: ObservationRecord): ThrottledGroup[] {
  const first = new Map<string, ThrottledGroup>();
  const last = new Map<string, ThrottledGroup>();
  for (const sample of observation.host) {
    for (const group of sample.cgroups) {
      if (!first.has(group.path)) first.set(group.path, group);
      last.set(group.path, group);
    }
  }
  const groups: ThrottledGroup[] = [];
  for (const [path, from] of first) {
    const to = last.get(path)!;
    const throttledNs = amount(to.throttledNs - from.throttledNs);
    const throttledCount = amount(to.throttledCount - from.throttledCount);
    if (throttledNs === 0) continue;
    groups.push({
      path,
      throttledNs,
      throttledCount,
      periodCount: amount(to.periodCount - from.periodCount),
    });
  }
  return groups;
}

function isUnder(path: string, group: string): boolean {
  return path === group || group === '/' || path.startsWith(`${group}/`);
}

function total(sample: HostSample): number {
  return sumBy(
    sample.cpus,
    (c) =>
      amount(c.userNs) +
      amount(c.niceNs) +
      amount(c.systemNs) +
      amount(c.idleNs) +
      amount(c.iowaitNs) +
      amount(c.irqNs) +
      amount(c.softirqNs) +
      amount(c.stealNs),
  );
}

function idle(sample: HostSample): number {
  return sumBy(sample.cpus, (c) => amount(c.idleNs) + amount(c.iowaitNs));
}
