import { answersPerSec } from '../../diagnose/facts/throughput.ts';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';

export const OUTCOME_KINDS = ['ok', 'wrong', 'error', 'timeout', 'unsent', 'unfinished'] as const;

/** Requests left over when every outcome is taken from what was planned: 0, or the report says so loudly. */
export function unaccountedCount(counts: OutcomeCounts): number {
  return OUTCOME_KINDS.reduce((left, kind) => left - counts[kind], counts.planned);
}

/** Requests with a reply (ok or wrong) a second over the whole run; 0 for one of no length. */
export function answeredPerSec(load: LoadRecord): number {
  return answersPerSec(load) ?? 0;
}
