/** What a run says about one figure of a threshold. */

import { printable } from '../../base/printable.ts';
import { formatCount } from '../../base/units.ts';
import type { KindRecord, LoadRecord, OutcomeCounts } from '../../record/load.ts';
import type { Run } from '../../record/run.ts';
import { sparseQuantile } from '../../record/sparse-histogram.ts';
import { distributionOf } from '../facts/distribution.ts';
import { ratio } from '../facts/numbers.ts';
import { answersPerSec } from '../facts/throughput.ts';
import type { SelfCheck } from '../finding.ts';
import { worstVerdict } from '../self-check.ts';
import { blockSeriesOf, type LatencyKind } from '../statistics/block-series.ts';
import {
  designEffectOf,
  EFFECTIVE_BEYOND,
  estimateQuantile,
  timesOf,
} from '../statistics/quantile-interval.ts';
import { withheldOf } from '../withheld.ts';
import { type OutcomeName, type Threshold, VERDICTS } from './threshold.ts';

export type Reading =
  | { known: false; why: string }
  | {
      known: true;
      value: number;
      /** Why the figure is only known to be this or more; null: it is known. */
      atLeast: string | null;
      /**
       * Why the value may not be told: too few requests carry it. Its interval may answer all the same. `isThin`: too
       * few even if they were independent.
       */
      weak: { why: string; isThin: boolean } | null;
      /** Null: there is no interval. */
      interval: { low: number; high: number | null } | null;
    };

/** Reads a figure; `checks` are the run's self-checks. */
export function readFigure(
  run: Run,
  threshold: Pick<Threshold, 'figure' | 'kind'>,
  checks: readonly SelfCheck[],
): Reading {
  const { figure } = threshold;
  if (figure.type === 'self') return readVerdict(figure.check, checks);
  const { load } = run;
  if (!load) return unknown('no load was driven');
  const part = partOf(load, threshold.kind);
  if (typeof part === 'string') return unknown(part);
  switch (figure.type) {
    case 'quantile':
      return readQuantile(load, part, figure.clock, figure.q, checks);
    case 'max':
    case 'mean':
      return readWhole(part, figure.clock, figure.type, checks);
    case 'share':
      if (part.counts.planned === 0) return unknown('no request was planned');
      return exactly(ratio(outcomeCount(part.counts, figure.outcome), part.counts.planned));
    case 'count':
      return exactly(outcomeCount(part.counts, figure.outcome));
    case 'rate':
      return readRate(load);
    case 'throughput': {
      const perSec = answersPerSec(load);
      return perSec === null ? unknown('the run has no length') : exactly(perSec);
    }
  }
}

function exactly(value: number): Reading {
  return { known: true, value, atLeast: null, weak: null, interval: null };
}

function unknown(why: string): Reading {
  return { known: false, why };
}

type Part = Pick<KindRecord, 'counts' | 'latency'> & { isWhole: boolean };

function partOf(load: LoadRecord, kind: string | null): Part | string {
  if (kind === null) return { counts: load.counts, latency: load.total, isWhole: true };
  const found = load.kinds?.find(({ name }) => name === kind);
  if (found) return { ...found, isWhole: false };
  const names = load.kinds?.map(({ name }) => printable(name, 40)).slice(0, 10) ?? [];
  const have = names.length > 0 ? `it has ${names.join(', ')}` : 'it has only one kind of request';
  return `the run has no kind "${printable(kind, 40)}": ${have}`;
}

function outcomeCount(counts: OutcomeCounts, outcome: OutcomeName): number {
  switch (outcome) {
    case 'errors':
      return counts.wrong + counts.error + counts.timeout;
    case 'wrong':
      return counts.wrong;
    case 'timeouts':
      return counts.timeout;
    case 'unsent':
      return counts.unsent;
    case 'unfinished':
      return counts.unfinished;
    case 'failed':
      return counts.planned - counts.ok;
  }
}

function readVerdict(name: string | null, checks: readonly SelfCheck[]): Reading {
  if (name === null) return exactly(VERDICTS.indexOf(worstVerdict(checks)));
  const check = checks.find((candidate) => candidate.name === name);
  if (check) return exactly(VERDICTS.indexOf(check.verdict));
  return unknown(`there is no self-check "${printable(name, 40)}" for this run`);
}

function readRate(load: LoadRecord): Reading {
  const { planned, ok, wrong, error, timeout } = load.counts;
  if (load.plan.arrival === 'closed') return unknown('a closed loop has no planned rate; write rate<5000/s');
  if (planned === 0) return unknown('no request was planned');
  return exactly(ratio(ok + wrong + error + timeout, planned));
}

function readQuantile(
  load: LoadRecord,
  part: Part,
  clock: LatencyKind,
  q: number,
  checks: readonly SelfCheck[],
): Reading {
  const withheld = withheldOf(checks, clock);
  if (withheld && q > withheld.from) return unknown(`withheld by ${withheld.checks.join(', ')}`);
  const series = blockSeriesOf(load, clock);
  const times = timesOf(part.latency, clock);
  // Kinds are not kept second by second: what the whole run shows of dependence is taken for theirs.
  const limitNs = sparseQuantile(times.answered, times.never, q)?.valueNs ?? 0;
  const assumed = part.isWhole ? null : designEffectOf(series, limitNs, q);
  const estimate = estimateQuantile(times, part.isWhole ? series : [], q, assumed);
  if (!estimate) return unknown('no request has such a time');
  const { effectiveCount, requestCount, valueNs, lowNs, highNs, highAtLeast } = estimate;
  const count = formatCount(Math.floor(effectiveCount));
  const needed = formatCount(Math.ceil(EFFECTIVE_BEYOND / (1 - q) - 1e-6));
  const isThin = requestCount * (1 - q) < EFFECTIVE_BEYOND - 1e-6;
  const weak = { why: `${count} independent requests are too few for it: ${needed} are needed`, isThin };
  return {
    known: true,
    value: valueNs,
    atLeast: estimate.atLeast ? UNANSWERED : null,
    weak: estimate.supported ? null : weak,
    interval: { low: lowNs, high: highAtLeast || isThin ? null : highNs },
  };
}

const UNANSWERED = 'requests went unanswered';

/** The longest time, or the mean: without an answer a request took at least its age. */
function readWhole(
  part: Part,
  clock: LatencyKind,
  which: 'max' | 'mean',
  checks: readonly SelfCheck[],
): Reading {
  const withheld = withheldOf(checks, clock);
  if (withheld) return unknown(`withheld by ${withheld.checks.join(', ')}`);
  const { answered, never } = timesOf(part.latency, clock);
  if (which === 'max') {
    const max = sparseQuantile(answered, never, 1);
    if (!max) return unknown('no request has such a time');
    return {
      known: true,
      value: max.valueNs,
      atLeast: max.atLeast ? UNANSWERED : null,
      weak: null,
      interval: null,
    };
  }
  const mean = distributionOf([part.latency[clock]])?.meanNs;
  if (mean === undefined) return unknown('no request has such a time');
  const lost = never.totalCount;
  if (lost > 0) return unknown(`${formatCount(lost)} requests never got an answer, so no mean is known`);
  return exactly(mean);
}
