import { NS_PER_S } from '../../base/units.ts';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';
import { ratio } from './numbers.ts';

/**
 * Requests with a reply (ok or wrong) a second, over the whole run; null for a run of no length. In a closed loop this
 * is the server's capacity: replies that came after sending had ended are no part of it, as their time is not.
 */
export function answersPerSec({
  plan,
  counts,
  startNs,
  endNs,
  answeredInTime,
}: Pick<LoadRecord, 'plan' | 'counts' | 'startNs' | 'endNs' | 'answeredInTime'>): number | null {
  if (!(endNs - startNs >= 1)) return null;
  const seconds = (endNs - startNs) / NS_PER_S;
  const all = counts.ok + counts.wrong;
  return (plan.ratePerSec === null ? (answeredInTime ?? all) : all) / seconds;
}

/** Requests that ended otherwise than as asked. */
export function failedCount({ wrong, error, timeout, unsent, unfinished }: OutcomeCounts): number {
  return wrong + error + timeout + unsent + unfinished;
}

/** The same as a share of the planned, 0 to 1: what "failed" means wherever it is said. */
export function notOkShare(counts: OutcomeCounts): number {
  // Books that do not balance flatter nobody.
  return ratio(Math.max(counts.planned - counts.ok, failedCount(counts)), counts.planned);
}

type WrongReplies = Partial<Pick<LoadRecord, 'wrongByReason' | 'statusCounts'>>;

/** Why replies were wrong → how often; without a check their statuses say so: "status 503". */
export function wrongReasons({
  wrongByReason = {},
  statusCounts = {},
}: WrongReplies): Record<string, number> {
  if (Object.keys(wrongByReason).length > 0) return wrongByReason;
  const bad = Object.entries(statusCounts).filter(([status]) => Number(status) >= 400);
  return Object.fromEntries(bad.map(([status, count]) => [`status ${status}`, count]));
}
