import { EXIT } from '../../base/errors.ts';
import { failedCount } from '../../diagnose/facts/throughput.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { isSpoilt, type LatencyRow, latencyRows, QUANTILES, type QuantileName } from '../model/latency.ts';
import { answeredPerSec } from '../model/load-summary.ts';
import type { ReportOptions } from '../reporter.ts';

const WORDS: Record<number, string> = {
  [EXIT.ok]: 'PASS',
  [EXIT.failed]: 'FAIL',
  [EXIT.void]: 'VOID',
  [EXIT.unreachable]: 'UNREACHED',
};

/**
 * A run in one line for logs: "loopscope: PASS exit=0 verdict=healthy … p99_ms=12.3". Its first word follows from
 * `exitStatus`; the rest is key=value in a fixed order, ASCII, without spaces in a value.
 */
export function summaryLine(
  run: Run,
  diagnosis: Diagnosis,
  exitStatus: number,
  { thresholds = [], limit }: Pick<ReportOptions, 'thresholds' | 'limit'> = {},
): string {
  const { load, observation } = run;
  const fields: Record<string, string | number> = {
    exit: exitStatus,
    verdict: diagnosis.verdict.culprit,
    self: diagnosis.self.verdict,
  };
  if (load) {
    const { counts } = load;
    fields.requests = counts.planned;
    // Books that do not balance flatter nobody.
    fields.failed = Math.max(counts.planned - counts.ok, failedCount(counts));
    fields.answered_per_s = decimals(answeredPerSec(load));
    const response = latencyRows(load, diagnosis)[0]!;
    fields.p50_ms = quantileField(response, 'p50');
    fields.p99_ms = quantileField(response, 'p99');
  }
  if (observation?.tier === 'bpf') fields.stalls = observation.stalls.length;
  if (limit) fields.limit_per_s = limit.ratePerSec === null ? '-' : decimals(limit.ratePerSec);
  if (thresholds.length > 0) {
    fields.thresholds = thresholds.length;
    fields.thresholds_failed = thresholds.filter(({ failed }) => failed).length;
  }
  const told = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  return `loopscope: ${WORDS[exitStatus] ?? 'INTERRUPTED'} ${told.join(' ')}`;
}

/** "12.3"; "12.3+" is that or more; "-" when too few requests carry it, "void" when a self-check withholds it. */
function quantileField(row: LatencyRow, name: QuantileName): string {
  const { q } = QUANTILES.find((each) => each.name === name)!;
  if (isSpoilt(row, q)) return 'void';
  const quantile = row.quantiles[name];
  if (quantile === null) return '-';
  return `${decimals(quantile.ns / 1e6)}${quantile.atLeast ? '+' : ''}`;
}

function decimals(value: number): number {
  return Number(value.toPrecision(3));
}
