/** What checks and reports ask of a replay: how true the load was to the log. Pure figures of the record. */
import { bucketHighNs, bucketLowNs } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { ReplayLog, ReplayRecord } from '../../record/replay/replay.ts';
import {
  mergeSparse,
  NO_TIMES,
  type SparseHistogram,
  sparseQuantile,
} from '../../record/sparse-histogram.ts';
import { amount, ratio, sumBy } from '../facts/numbers.ts';
import { REPLAY } from '../limits.ts';
import { secondsOf } from '../statistics/block-series.ts';
import { gapDistance } from '../statistics/gap-distance.ts';

export type ReplayFacts = {
  record: ReplayRecord;
  lines: LineFacts;
  statuses: StatusFacts;
  /** Null where the log was not followed in time: at full speed, or when nothing was sent. */
  gaps: GapFacts | null;
  lag: LagFacts | null;
  dispersion: DispersionScale[];
  /** Requests that waited for their client's one before, of all that were planned. */
  waitedShare: number;
};

export type LineFacts = {
  readCount: number;
  refusedCount: number;
  skippedCount: number;
  /** read − requests − refused − skipped: 0, or something was lost. */
  unaccountedCount: number;
  refusedShare: number;
  /** Of the requests, those that were read ahead and not due yet when the run ended. */
  notDueCount: number;
};

export type StatusFacts = { sameCount: number; differentCount: number; unloggedCount: number };

export type GapFacts = {
  /** Kolmogorov–Smirnov, of the gaps asked for and those sent. */
  distance: number;
  /** Gaps that differ by less count as equal. */
  toleranceNs: number;
  /** Of the gaps asked for. */
  meanNs: number;
  count: number;
};

export type LagFacts = {
  /** How late the last requests were sent: the median of the last second. */
  finalNs: number;
  largestNs: number;
  /** How long the schedule was, ns. */
  spanNs: number;
};

/** An index of dispersion in windows of so many ms. */
export type DispersionScale = { ms: 1 | 10 | 100; asked: number; sent: number; ratio: number | null };

export function replayFactsOf(load: LoadRecord): ReplayFacts | null {
  const record = load.replay;
  if (!record) return null;
  const timed = record.schedule.pace !== 'max';
  return {
    record,
    lines: linesOf(record.log, load.counts.planned),
    statuses: statusesOf(record),
    gaps: timed ? gapsOf(load, record) : null,
    lag: timed ? lagOf(load) : null,
    dispersion: timed ? dispersionOf(load) : [],
    waitedShare: ratio(record.clients.waitedCount, load.counts.planned),
  };
}

function linesOf(log: ReplayLog, plannedCount: number): LineFacts {
  const refusedCount = sumBy(log.refused, ({ count }) => count);
  const skippedCount = sumBy(log.skipped, ({ count }) => count);
  return {
    readCount: log.readCount,
    refusedCount,
    skippedCount,
    unaccountedCount: log.readCount - log.requestCount - refusedCount - skippedCount,
    refusedShare: ratio(refusedCount, log.readCount),
    notDueCount: amount(log.requestCount - plannedCount),
  };
}

function statusesOf({ statusMatrix }: ReplayRecord): StatusFacts {
  const facts = { sameCount: 0, differentCount: 0, unloggedCount: 0 };
  for (const [logged, came, count] of statusMatrix) {
    if (logged === 0) facts.unloggedCount += count;
    else if (logged === came) facts.sameCount += count;
    else facts.differentCount += count;
  }
  return facts;
}

function gapsOf(load: LoadRecord, record: ReplayRecord): GapFacts | null {
  const sent = timesIn(load.arrivals.gaps?.histogram ?? '');
  const asked = timesIn(record.askedGaps ?? '');
  const meanNs = meanOf(asked);
  const toleranceNs = Math.min(REPLAY.gapsToleranceNs, REPLAY.gapsToleranceShare * meanNs);
  const distance = gapDistance(asked, sent, toleranceNs);
  return distance === null ? null : { distance, toleranceNs, meanNs, count: sent.totalCount };
}

function meanOf({ buckets, counts, totalCount }: SparseHistogram): number {
  let sum = 0;
  for (let i = 0; i < buckets.length; i++) {
    sum += (counts[i]! * (bucketLowNs(buckets[i]!) + bucketHighNs(buckets[i]!))) / 2;
  }
  return totalCount > 0 ? sum / totalCount : 0;
}

/** A second with only a few sends says little of where it ended: those before it are taken with it. */
function lagOf(load: LoadRecord): LagFacts | null {
  const last: SparseHistogram[] = [];
  let count = 0;
  for (const blocks of secondsOf(load).reverse()) {
    for (const block of blocks) {
      const times = timesIn(block.latency.lateness);
      last.push(times);
      count += times.totalCount;
    }
    if (count >= REPLAY.lagMinCount) break;
  }
  const final = sparseQuantile(mergeSparse(last), NO_TIMES, 0.5);
  const largest = sparseQuantile(timesIn(load.total.lateness), NO_TIMES, 1) ?? final;
  if (!final || !largest) return null;
  return {
    finalNs: final.valueNs,
    largestNs: Math.max(final.valueNs, largest.valueNs),
    spanNs: amount(load.endNs - load.startNs),
  };
}

function dispersionOf({ arrivals }: LoadRecord): DispersionScale[] {
  const { planned } = arrivals;
  if (!planned) return [];
  const scale = (ms: DispersionScale['ms'], asked: number, sent: number) => ({
    ms,
    asked: amount(asked),
    sent: amount(sent),
    // A hostile file's quotient of two absurd figures says nothing.
    ratio: amount(asked) > 1e-6 && sent / asked < 1e6 ? amount(sent) / asked : null,
  });
  return [
    scale(1, planned.idc1ms, arrivals.idc1ms),
    scale(10, planned.idc10ms, arrivals.idc10ms),
    scale(100, planned.idc100ms, arrivals.idc100ms),
  ];
}
