/** A replay beside its log: what the log's server says of itself, what a client felt, and the difference. */

import { formatNs } from '../../base/units.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import { type ReplayFacts, replayFactsOf } from '../../diagnose/replay/replay-facts.ts';
import type { LatencyHistograms, LoadRecord } from '../../record/load.ts';
import { formatQuantile } from '../text/phrases.ts';
import { distributionOf, type Quantile } from './distribution.ts';
import { distributionOfKind, quantileOrNull, withheldAboveOf, withheldReason } from './latency.ts';

export const ROUTE_QUANTILES = ['p50', 'p99'] as const;
export type RouteQuantile = (typeof ROUTE_QUANTILES)[number];
const SHARES: Record<RouteQuantile, number> = { p50: 0.5, p99: 0.99 };

export type RouteRow = {
  name: string;
  /** Planned, after the warm-up. */
  requestCount: number;
  /** How long the server says that it took; null: the log does not tell, or too few requests. */
  logged: Record<RouteQuantile, Quantile | null>;
  /** Response times of the replay; null: withheld, or too few requests. */
  replayed: Record<RouteQuantile, Quantile | null>;
  /** Replayed less logged: a server's log does not see what waits to be accepted or read. Null where either is. */
  differenceNs: Record<RouteQuantile, number | null>;
};

export type ReplayModel = ReplayFacts & {
  /** The busiest first. */
  routes: RouteRow[];
  /** Why response times are withheld, or null. */
  withheld: string | null;
  /** Statuses that came otherwise than logged, the most frequent first. */
  changed: { logged: number; came: number; count: number }[];
};

/** Null when no log was replayed. */
export function replayModel(load: LoadRecord, diagnosis: Diagnosis): ReplayModel | null {
  const facts = replayFactsOf(load);
  if (!facts) return null;
  return {
    ...facts,
    routes: routeRows(load, diagnosis),
    withheld: withheldReason(diagnosis, 'response'),
    changed: facts.record.statusMatrix
      .filter(([logged, came]) => logged !== 0 && logged !== came)
      .map(([logged, came, count]) => ({ logged, came, count }))
      .sort((a, b) => b.count - a.count),
  };
}

function routeRows(load: LoadRecord, diagnosis: Diagnosis): RouteRow[] {
  const withheld = withheldReason(diagnosis, 'response');
  const above = withheldAboveOf(diagnosis, 'response')?.q ?? 1;
  const routes = load.replay?.routes ?? [];
  return routes
    .map(({ name, logged }, route) => {
      const { latency, requestCount } = replayedOf(load, routes.length, route);
      const times = logged === null ? null : distributionOf([logged], []);
      const came = withheld || latency === null ? null : distributionOfKind([latency], 'response');
      const row: RouteRow = { name, requestCount, logged: none(), replayed: none(), differenceNs: none() };
      for (const quantile of ROUTE_QUANTILES) {
        const q = SHARES[quantile];
        const was = quantileOrNull(times, q);
        const is = q > above ? null : quantileOrNull(came, q);
        row.logged[quantile] = was;
        row.replayed[quantile] = is;
        row.differenceNs[quantile] = was && is ? is.ns - was.ns : null;
      }
      return row;
    })
    .filter(({ requestCount }) => requestCount > 0)
    .sort((a, b) => b.requestCount - a.requestCount);
}

/** Routes are the load's kinds, in the same order; a lone one has no kind of its own. */
function replayedOf(
  load: LoadRecord,
  routeCount: number,
  route: number,
): { latency: LatencyHistograms | null; requestCount: number } {
  if (routeCount === 1 && !load.kinds) return { latency: load.total, requestCount: load.counts.planned };
  const kind = load.kinds?.[route];
  return { latency: kind?.latency ?? null, requestCount: kind?.counts.planned ?? 0 };
}

const none = (): Record<RouteQuantile, null> => ({ p50: null, p99: null });

/** A server whose log counts milliseconds logs 0 for a faster reply. */
export function loggedText(logged: Quantile | null): string {
  return logged?.ns === 0 ? '0' : formatQuantile(logged);
}

export function hasLoggedZero(routes: readonly RouteRow[]): boolean {
  return routes.some(({ logged }) => logged.p50?.ns === 0 || logged.p99?.ns === 0);
}

/** "+1.20 ms"; less than logged is possible where the target is faster than the log's server was. */
export function differenceText(ns: number | null): string {
  if (ns === null) return '–';
  return ns > 0 ? `+${formatNs(ns)}` : formatNs(ns).replace('-', '−');
}
