import type { Diagnosis } from '../../diagnose/finding.ts';
import { estimateRun } from '../../diagnose/statistics/quantile-interval.ts';
import type { LatencyHistograms, LoadRecord } from '../../record/load.ts';
import { type Distribution, distributionOf, type Quantile } from './distribution.ts';

export type LatencyKind = 'response' | 'service' | 'lateness';

export const LATENCY_KINDS: readonly LatencyKind[] = ['response', 'service', 'lateness'];

/** What each of the three times means, for readers who meet them first. */
export const LATENCY_MEANING: Record<LatencyKind, string> = {
  response: 'planned to done: what a user would have felt',
  service: 'sent to done: what most tools print',
  lateness: 'planned to sent: the load tool itself, or no free connection',
};

export type QuantileName = 'p50' | 'p90' | 'p99' | 'p99.9' | 'max';

export const QUANTILES: readonly { name: QuantileName; q: number }[] = [
  { name: 'p50', q: 0.5 },
  { name: 'p90', q: 0.9 },
  { name: 'p99', q: 0.99 },
  { name: 'p99.9', q: 0.999 },
  { name: 'max', q: 1 },
];

/** A quantile q is shown only when this many requests lie beyond it: fewer, and the next run gives another number. */
export const SAMPLES_BEYOND_MIN = 10;

export type LatencyRow = {
  kind: LatencyKind;
  count: number;
  censoredCount: number;
  /** Why the percentiles are withheld (a VOID self-check spoils them), or null. */
  withheld: string | null;
  /** Quantiles above `q` are withheld, though the others are not; null when all may be shown. */
  withheldAbove: WithheldAbove | null;
  /** Null: withheld, nothing measured, or too few requests for it. */
  quantiles: Record<QuantileName, Quantile | null>;
  /** What another run like this one would show for those quantiles, 95 times of 100; null where they are. */
  ranges: Record<QuantileName, QuantileRange | null>;
};

export type QuantileRange = { lowNs: number; highNs: number; highAtLeast: boolean };

/** The three rows of the latency table, over the measured part of the run. */
export function latencyRows(load: LoadRecord, diagnosis: Diagnosis): LatencyRow[] {
  return LATENCY_KINDS.map((kind) => {
    const distribution = distributionOfKind([load.total], kind);
    const withheld = withheldReason(diagnosis, kind);
    const withheldAbove = withheld ? null : withheldAboveOf(diagnosis, kind);
    const spoilt = (q: number) => isSpoilt({ withheld, withheldAbove }, q);
    const quantiles = Object.fromEntries(
      QUANTILES.map(({ name, q }) => [name, spoilt(q) ? null : quantileOrNull(distribution, q)]),
    ) as Record<QuantileName, Quantile | null>;
    return {
      kind,
      count: distribution?.count ?? 0,
      censoredCount: distribution?.censoredCount ?? 0,
      withheld,
      withheldAbove,
      quantiles,
      ranges: rangesOf(load, kind, quantiles),
    };
  });
}

function rangesOf(
  load: LoadRecord,
  kind: LatencyKind,
  quantiles: LatencyRow['quantiles'],
): LatencyRow['ranges'] {
  const shown = QUANTILES.filter(({ name, q }) => q < 1 && quantiles[name] !== null);
  const qs = shown.map(({ q }) => q);
  const ranges = new Map(
    estimateRun(load, kind, qs).map(({ q, lowNs, highNs, highAtLeast }) => [
      q,
      { lowNs, highNs, highAtLeast },
    ]),
  );
  return Object.fromEntries(
    QUANTILES.map(({ name, q }) => [name, ranges.get(q) ?? null]),
  ) as LatencyRow['ranges'];
}

/**
 * What is only known to be "at least" in each time: an unanswered request (its age since sending) in response and
 * service, one never sent (its age since planning) in response and lateness.
 */
const CENSORED: Record<LatencyKind, readonly ('censored' | 'unsent')[]> = {
  response: ['censored', 'unsent'],
  service: ['censored'],
  lateness: ['unsent'],
};

/** One of the three times over any number of blocks, with what never came to its end. */
export function distributionOfKind(
  histograms: readonly LatencyHistograms[],
  kind: LatencyKind,
): Distribution | null {
  return distributionOf(
    histograms.map((each) => each[kind]),
    histograms.flatMap((each) => CENSORED[kind].map((name) => each[name])),
  );
}

/** The VOID checks that spoil this time, as one reason; null when it may be shown. */
export function withheldReason(diagnosis: Diagnosis, kind: LatencyKind): string | null {
  const reasons = diagnosis.self.checks
    .filter(
      (check) => check.verdict === 'VOID' && check.spoilsFrom === undefined && check.spoils.includes(kind),
    )
    .map((check) => check.name);
  return reasons.length > 0 ? `VOID: ${reasons.join(', ')}` : null;
}

export type WithheldAbove = { q: number; reason: string };

/** The lowest quantile above which a check spoils this time, with the names of such checks; null when none does. */
export function withheldAboveOf(diagnosis: Diagnosis, kind: LatencyKind): WithheldAbove | null {
  const checks = diagnosis.self.checks.filter(
    (check) => check.spoilsFrom !== undefined && check.spoils.includes(kind),
  );
  if (checks.length === 0) return null;
  return {
    q: Math.min(...checks.map((check) => check.spoilsFrom!)),
    reason: checks.map((check) => check.name).join(', '),
  };
}

/** Is this quantile one of those that a check spoils, though it could have been computed? */
export function isSpoilt(row: Pick<LatencyRow, 'withheld' | 'withheldAbove'>, q: number): boolean {
  return row.withheld !== null || (row.withheldAbove !== null && q > row.withheldAbove.q);
}

/** The quantile, or null when too few requests lie beyond it to be worth printing. */
export function quantileOrNull(distribution: Distribution | null, q: number): Quantile | null {
  if (!distribution) return null;
  // 100 × (1 − 0.9) is 9.999… in binary: half a request makes it ten.
  if (q < 1 && distribution.count * (1 - q) < SAMPLES_BEYOND_MIN - 0.5) return null;
  return distribution.quantile(q);
}

/** All of them, each where enough requests lie beyond it. */
export function quantilesOf(distribution: Distribution | null): Record<QuantileName, Quantile | null> {
  return Object.fromEntries(
    QUANTILES.map(({ name, q }) => [name, quantileOrNull(distribution, q)]),
  ) as Record<QuantileName, Quantile | null>;
}

/** One point of a percentile spectrum: this share of requests took at most ns. */
export type SpectrumPoint = { q: number; ns: number; atLeast: boolean };

/**
 * Points evenly spread on the axis of nines, from the median to the last quantile with enough requests beyond it, and
 * the maximum at the end. Empty when withheld or not measured.
 */
export function spectrumOf(
  load: LoadRecord,
  diagnosis: Diagnosis,
  kind: LatencyKind,
  pointsPerNine = 20,
): SpectrumPoint[] {
  if (withheldReason(diagnosis, kind)) return [];
  const distribution = distributionOfKind([load.total], kind);
  if (!distribution) return [];
  const above = withheldAboveOf(diagnosis, kind);
  const points: SpectrumPoint[] = [];
  for (let i = 0; ; i++) {
    const q = 1 - 10 ** (-i / pointsPerNine);
    if (distribution.count * (1 - q) < 1 || (above && q > above.q)) break;
    points.push({ q, ...distribution.quantile(q) });
  }
  return points;
}
