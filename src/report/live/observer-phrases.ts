import { formatShare } from '../../base/units.ts';
import type { ObserverStatus } from '../../record/live.ts';
import type { ObserverLosses } from '../../record/observation.ts';
import { plural } from '../text/phrases.ts';
import type { LiveModel } from './live-model.ts';

/** "observer 0.31 % of one CPU, probes 0.12 %, of 1 % allowed". */
export function takenPhrase(status: ObserverStatus): string {
  const probes = status.programCpus === null ? '' : `, probes ${formatShare(status.programCpus)}`;
  const allowed = status.cpuBudgetShare === null ? '' : `, of ${formatShare(status.cpuBudgetShare)} allowed`;
  return `observer ${formatShare(status.ownCpus)} of one CPU${probes}${allowed}`;
}

/** Null when nothing was lost. */
export function lossPhrase(losses: ObserverLosses): string | null {
  const lost: string[] = [];
  if (losses.ringBufferDrops > 0) lost.push(plural(losses.ringBufferDrops, 'event'));
  if (losses.mapFullDrops > 0) lost.push(`${plural(losses.mapFullDrops, 'loop')} for want of room`);
  if (losses.decodeErrors > 0) lost.push(`${plural(losses.decodeErrors, 'record')} that could not be read`);
  if (losses.stallsNotKept > 0) lost.push(`${plural(losses.stallsNotKept, 'stall')} not kept for the report`);
  return lost.length > 0 ? `LOST: ${lost.join(', ')}` : null;
}

/** Which probes are on, and why when the budget decided it. */
export function levelPhrase(model: LiveModel): string {
  const { status } = model;
  if (status === null) return '';
  if (status.tier === 'proc') return 'from /proc: single cycles are not visible';
  const last = model.tierChanges.at(-1);
  return last?.why.includes('of a CPU') ? `${status.level}: ${last.why}` : status.level;
}
