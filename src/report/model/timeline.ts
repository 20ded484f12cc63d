import { greatestOf, leastOf } from '../../base/extremes.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadBlock, LoadRecord } from '../../record/load.ts';
import { distributionOfKind, withheldReason } from './latency.ts';
import { blocksBySecond } from './seconds.ts';

/** One stretch of time of the load, all threads together; ns since run start. Null: withheld or nothing to show. */
export type LatencyPoint = {
  startNs: number;
  durationNs: number;
  plannedCount: number;
  failedCount: number;
  /** Replies, right or wrong. */
  answeredCount: number;
  p50Ns: number | null;
  p99Ns: number | null;
  maxNs: number | null;
  /** The maximum is the age of a request that never got an answer. */
  maxAtLeast: boolean;
};

/** Most points drawn: one per pixel column or two is all a screen can show. */
const POINTS_MAX = 600;

/** Below this many requests in one point its p99 is the maximum under another name. */
const P99_COUNT_MIN = 100;

/** Response time over the run, a point a block (one second), or several blocks to a point in long runs. */
export function latencyTimeline(
  load: LoadRecord,
  diagnosis: Diagnosis,
  pointsMax = POINTS_MAX,
): LatencyPoint[] {
  const withheld = withheldReason(diagnosis, 'response') !== null;
  const seconds = blocksBySecond(load.blocks);
  const perPoint = Math.ceil(seconds.length / pointsMax);
  const points: LatencyPoint[] = [];
  for (let i = 0; i < seconds.length; i += perPoint) {
    points.push(pointOf(seconds.slice(i, i + perPoint).flat(), withheld));
  }
  return points;
}

function pointOf(blocks: LoadBlock[], withheld: boolean): LatencyPoint {
  const startNs = leastOf(blocks.map((block) => block.startNs));
  const endNs = greatestOf(blocks.map((block) => block.startNs + block.durationNs));
  const plannedCount = blocks.reduce((sum, block) => sum + block.counts.planned, 0);
  const okCount = blocks.reduce((sum, block) => sum + block.counts.ok, 0);
  const distribution = withheld
    ? null
    : distributionOfKind(
        blocks.map((block) => block.latency),
        'response',
      );
  const max = distribution?.quantile(1);
  return {
    startNs,
    durationNs: endNs - startNs,
    plannedCount,
    failedCount: plannedCount - okCount,
    answeredCount: blocks.reduce((sum, { counts }) => sum + counts.ok + counts.wrong, 0),
    p50Ns: distribution?.quantile(0.5).ns ?? null,
    p99Ns: distribution && distribution.count >= P99_COUNT_MIN ? distribution.quantile(0.99).ns : null,
    maxNs: max?.ns ?? null,
    maxAtLeast: max?.atLeast ?? false,
  };
}
