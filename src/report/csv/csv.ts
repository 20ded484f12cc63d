/** One row a second, for spreadsheets and scripts. docs/reference/exports.md lists the columns: a contract. */
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { Run } from '../../record/run.ts';
import { measuredLoad } from '../measured-load.ts';
import { distributionOfKind, type LatencyKind, quantileOrNull, withheldReason } from '../model/latency.ts';
import { OUTCOME_KINDS } from '../model/load-summary.ts';
import { type Second, secondsOf } from '../model/seconds.ts';
import type { Reporter } from '../reporter.ts';

export const csvReporter = {
  name: 'csv',
  extension: 'csv',
  summary: 'one row a second: outcomes, rate, percentiles in ns, requests in flight',
  render: renderCsv,
} satisfies Reporter;

type Column = { name: string; of(second: Second, load: LoadRecord, diagnosis: Diagnosis): number | null };

const QUANTILES: readonly [name: string, q: number][] = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p99_9', 0.999],
  ['max', 1],
];

/** In the order of the file. Null is written as an empty field. */
export const CSV_COLUMNS: readonly Column[] = [
  { name: 'start_s', of: (second, load) => (second.startNs - load.startNs) / 1e9 },
  { name: 'duration_s', of: (second) => second.durationNs / 1e9 },
  { name: 'warmup', of: (second) => (second.warmup ? 1 : 0) },
  { name: 'planned', of: ({ counts }) => counts.planned },
  ...OUTCOME_KINDS.map((kind): Column => ({ name: kind, of: ({ counts }) => counts[kind] })),
  {
    name: 'answered_per_s',
    of: ({ counts, durationNs }) =>
      durationNs >= 1 ? Math.round(((counts.ok + counts.wrong) * 1e12) / durationNs) / 1e3 : null,
  },
  ...QUANTILES.map(([name, q]) => latencyColumn('response', name, q)),
  { name: 'response_max_at_least', of: maxAtLeast },
  latencyColumn('service', 'p50', 0.5),
  latencyColumn('service', 'p99', 0.99),
  latencyColumn('lateness', 'p99', 0.99),
  { name: 'in_flight_mean', of: ({ inFlight }) => inFlight && Math.round(inFlight.mean * 1e3) / 1e3 },
  { name: 'in_flight_max', of: ({ inFlight }) => inFlight?.max ?? null },
];

function renderCsv(run: Run, diagnosis: Diagnosis): string {
  const load = measuredLoad(run, 'csv');
  const rows = secondsOf(load).map((second) =>
    CSV_COLUMNS.map((column) => column.of(second, load, diagnosis) ?? '').join(','),
  );
  return `${[CSV_COLUMNS.map(({ name }) => name).join(','), ...rows].join('\n')}\n`;
}

function latencyColumn(kind: LatencyKind, name: string, q: number): Column {
  return {
    name: `${kind}_${name}_ns`,
    of(second, _load, diagnosis) {
      if (withheldReason(diagnosis, kind)) return null;
      return quantileOrNull(distributionOfKind(second.latencies, kind), q)?.ns ?? null;
    },
  };
}

/** 1: the second's slowest request never got an answer, so the maximum is a lower bound. */
function maxAtLeast(second: Second, _load: LoadRecord, diagnosis: Diagnosis): number | null {
  if (withheldReason(diagnosis, 'response')) return null;
  const distribution = distributionOfKind(second.latencies, 'response');
  return distribution && (distribution.quantile(1).atLeast ? 1 : 0);
}
