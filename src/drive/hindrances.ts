/** What held up the load, of all threads together. */
import type { OutageRecord, SpanRecord, WaitCounts, WaitRecord } from '../record/load.ts';
import type { LoadCollector } from './load-collector.ts';
import { COUNTER, WAIT } from './tally/thread-memory.ts';
import type { ThreadResult } from './thread/load-thread.ts';

type Spans = Pick<ThreadResult, 'longestAbsence' | 'longestSilence' | 'suspendedNs'>;

export function waitRecord(collector: Pick<LoadCollector, 'counter'>, results: readonly Spans[]): WaitRecord {
  const counts = (base: number): WaitCounts => ({
    allTaken: collector.counter(base + WAIT.allTaken),
    noConnection: collector.counter(base + WAIT.noConnection),
    clientAway: collector.counter(base + WAIT.clientAway),
    suspended: collector.counter(base + WAIT.suspended),
    predecessor: collector.counter(base + WAIT.predecessor),
  });
  return {
    late: counts(COUNTER.late),
    unsent: counts(COUNTER.unsentFor),
    longestAbsence: orNull(
      results.map((result) => result.longestAbsence).reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a)),
    ),
    longestSilence: orNull(
      results
        .map((result) => result.longestSilence)
        .reduce((a, b) => ({ fromNs: Math.max(a.fromNs, b.fromNs), toNs: Math.min(a.toNs, b.toNs) })),
    ),
    suspendedNs: Math.max(...results.map((result) => result.suspendedNs)),
  };
}

function lengthOf({ fromNs, toNs }: SpanRecord): number {
  return toNs - fromNs;
}

function orNull(span: SpanRecord): SpanRecord | null {
  return span.toNs > span.fromNs ? span : null;
}

/** The server is gone while all threads find nobody: the times that are in an outage of each. */
export function sharedOutages(threads: readonly (readonly OutageRecord[])[]): OutageRecord[] {
  const [first = [], ...others] = threads;
  return others.reduce<OutageRecord[]>((shared, other) => overlaps(shared, other), [...first]).slice(-64);
}

function overlaps(some: readonly OutageRecord[], others: readonly OutageRecord[]): OutageRecord[] {
  return some.flatMap((a) =>
    others.flatMap((b): OutageRecord[] => {
      const fromNs = Math.max(a.fromNs, b.fromNs);
      const toNs = Math.min(a.toNs ?? Number.POSITIVE_INFINITY, b.toNs ?? Number.POSITIVE_INFINITY);
      if (!(toNs > fromNs)) return [];
      return [
        {
          fromNs,
          toNs: Number.isFinite(toNs) ? toNs : null,
          closed: a.closed + b.closed,
          refused: a.refused + b.refused,
          errno: a.errno,
        },
      ];
    }),
  );
}
