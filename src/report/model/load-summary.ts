import { ratio } from '../../diagnose/facts/numbers.ts';
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

/** Requests that did not end as asked, as a share of the planned. */
export function failedShare(counts: OutcomeCounts): number {
  // Books that do not balance flatter nobody.
  return ratio(Math.max(counts.planned - counts.ok, failedCount(counts)), counts.planned);
}

/** Requests that ended otherwise than as asked. */
export function failedCount({ wrong, error, timeout, unsent, unfinished }: OutcomeCounts): number {
  return wrong + error + timeout + unsent + unfinished;
}
