import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord, OutcomeCounts, StageRecord } from '../../record/load.ts';
import type { Quantile } from './distribution.ts';
import {
  distributionOfKind,
  type QuantileName,
  quantilesOf,
  type WithheldAbove,
  withheldAboveOf,
  withheldReason,
} from './latency.ts';
import { SAME_START_NS, secondsOf, sumCounts } from './seconds.ts';

/** One stage of a load, its warm-up left out. */
export type StageRow = {
  stage: StageRecord;
  /** Of the stage, what lies after the warm-up and was measured; 0 when nothing was. */
  measuredNs: number;
  /** What was recorded in that time: a request is counted due in one stage and answered in the next when it is late. */
  counts: OutcomeCounts;
  /** By requests due, and by replies. Null when nothing was measured. */
  duePerSec: number | null;
  answeredPerSec: number | null;
  withheld: string | null;
  withheldAbove: WithheldAbove | null;
  /** Of response times. Null: withheld, nothing measured, or too few requests for it. */
  quantiles: Record<QuantileName, Quantile | null>;
};

/** The stages in their order; empty when the run had one rate throughout. */
export function stageRows(load: LoadRecord, diagnosis: Diagnosis): StageRow[] {
  const { stages = [] } = load.plan;
  if (stages.length === 0) return [];
  const withheld = withheldReason(diagnosis, 'response');
  const withheldAbove = withheld ? null : withheldAboveOf(diagnosis, 'response');
  const seconds = secondsOf(load).filter((second) => !second.warmup);
  return stages.map((stage) => {
    // A block belongs to the stage that it began in.
    const from = load.startNs + stage.fromNs - SAME_START_NS;
    const own = seconds.filter(
      ({ startNs }) => startNs >= from && startNs < from + (stage.toNs - stage.fromNs),
    );
    const measuredNs = own.reduce((sum, { durationNs }) => sum + durationNs, 0);
    const counts = sumCounts(own.map((second) => second.counts));
    const distribution = withheld
      ? null
      : distributionOfKind(
          own.flatMap((second) => second.latencies),
          'response',
        );
    const perSec = (count: number) => (measuredNs >= 1 ? (count * 1e9) / measuredNs : null);
    return {
      stage,
      measuredNs,
      counts,
      duePerSec: perSec(counts.planned),
      answeredPerSec: perSec(counts.ok + counts.wrong),
      withheld,
      withheldAbove,
      quantiles: quantilesOf(distribution),
    };
  });
}
