import { type LatencyRow, SAMPLES_BEYOND_MIN } from '../model/latency.ts';
import { plural } from './phrases.ts';

/** What the marks of a latency table mean, for those that occur. */
export function latencyNotes(rows: LatencyRow[]): string[] {
  const notes: string[] = [];
  const censored = rows.find((row) => row.kind === 'response')?.censoredCount ?? 0;
  if (censored > 0) {
    notes.push(
      `≥ at least this: ${plural(censored, 'request')} never got an answer and took at least their age.`,
    );
  }
  if (rows.some((row) => !row.withheld && row.count > 0 && Object.values(row.quantiles).includes(null))) {
    notes.push(`– too few requests: fewer than ${SAMPLES_BEYOND_MIN} lie beyond it.`);
  }
  return notes;
}
