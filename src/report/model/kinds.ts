import { ratio } from '../../diagnose/facts/numbers.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';
import type { Quantile } from './distribution.ts';
import {
  distributionOfKind,
  type QuantileName,
  quantilesOf,
  type WithheldAbove,
  withheldAboveOf,
  withheldReason,
} from './latency.ts';

/** One kind of request of a mix, after the warm-up. */
export type KindRow = {
  name: string;
  counts: OutcomeCounts;
  /** Of all planned requests of all kinds. */
  share: number;
  /** Planned, and not answered as asked. */
  failedCount: number;
  withheld: string | null;
  withheldAbove: WithheldAbove | null;
  /** Of response times. Null: withheld, nothing measured, or too few requests for it. */
  quantiles: Record<QuantileName, Quantile | null>;
};

/** The kinds of a mix in the order of the scenario; empty when there is only one. */
export function kindRows(load: LoadRecord, diagnosis: Diagnosis): KindRow[] {
  const kinds = load.kinds ?? [];
  const withheld = withheldReason(diagnosis, 'response');
  const withheldAbove = withheld ? null : withheldAboveOf(diagnosis, 'response');
  const plannedCount = kinds.reduce((sum, kind) => sum + kind.counts.planned, 0);
  return kinds.map(({ name, counts, latency }) => {
    const distribution = withheld ? null : distributionOfKind([latency], 'response');
    return {
      name,
      counts,
      share: ratio(counts.planned, plannedCount),
      failedCount: counts.planned - counts.ok,
      withheld,
      withheldAbove,
      quantiles: quantilesOf(distribution),
    };
  });
}
