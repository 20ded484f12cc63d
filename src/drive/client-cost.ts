/** What driving the load cost, from what the threads tell and what was seen of them. */
import type { ClientCost } from '../record/load.ts';
import type { Surroundings } from './surroundings.ts';
import type { DoingSampler } from './tally/doing-samples.ts';
import type { ThreadCost } from './tally/thread-cost.ts';
import type { ThreadResult } from './thread/load-thread.ts';

/** A spin that was put off its CPU goes on by the clock, but costs nothing while it is off. */
function onCpuShare({
  userNs,
  systemNs,
  runDelayNs,
}: Pick<ThreadCost, 'userNs' | 'systemNs' | 'runDelayNs'>): number {
  const cpuNs = userNs + systemNs;
  return cpuNs + runDelayNs > 0 ? cpuNs / (cpuNs + runDelayNs) : 1;
}

export function clientCost(
  results: ThreadResult[],
  wallNs: number,
  turnsOf: (threadIndex: number) => string,
  samples: DoingSampler,
): Omit<ClientCost, keyof Surroundings['client']> {
  const oversleep = results.find((result) => result.oversleep !== null)?.oversleep;
  return {
    wallNs,
    threads: results.map(({ cost, stats, garbage }, threadIndex) => ({
      threadIndex,
      ...cost,
      gcNs: garbage.ns,
      gcCount: garbage.count,
      doing: samples.of(threadIndex),
      spinNs: stats.spinNs * onCpuShare(cost),
      waitCount: stats.waitCount,
      eventCount: stats.eventCount,
      turns: turnsOf(threadIndex),
    })),
    timerOversleepNsP50: oversleep?.p50Ns ?? 0,
    timerOversleepNsP99: oversleep?.p99Ns ?? 0,
    gcPauseNs: results.reduce((sum, { garbage }) => sum + garbage.ns, 0),
  };
}
