import { timesIn } from '../../record/histogram-text.ts';
import type { LoadBlock, LoadRecord, OutcomeCounts } from '../../record/load.ts';
import { NO_TIMES, sparseQuantile } from '../../record/sparse-histogram.ts';
import { type Hindrances, hindrancesOf } from '../hindrances.ts';
import { SELF, TAIL } from '../limits.ts';
import { type ReplayFacts, replayFactsOf } from '../replay/replay-facts.ts';
import { blockOf, groupSeries, mergeBlocks, secondsOf, type TimeBlock } from '../statistics/block-series.ts';
import { findWarmup, type Warmup } from '../statistics/mser.ts';
import { type Distribution, distributionOf } from './distribution.ts';
import { amount, ratio, sumBy } from './numbers.ts';
import { notOkShare } from './throughput.ts';

/** What the rules and self-checks ask of the load side. */
export type LoadFacts = {
  record: LoadRecord;
  /** Requests had a planned time of their own; false in closed loop. */
  open: boolean;
  response: Distribution | null;
  service: Distribution | null;
  lateness: Distribution | null;
  /** Response times, and requests never sent or never answered, which were slower than these. */
  responseOrWorse: Distribution | null;
  wallNs: number;
  /** Requests that came to an end of their own: answered or failed. */
  endedCount: number;
  /** endedCount ÷ planned. */
  achievedShare: number;
  /** Errors and timeouts ÷ planned. */
  failedShare: number;
  /** All that did not end as asked ÷ planned: the share that every sentence tells. */
  notOkShare: number;
  /** At some moment every connection was taken: what was due then had to wait. */
  poolDry: boolean;
  /** What held up the load. */
  hindrances: Hindrances;
  /** Blocks of all threads, second by second, warm-up left out. */
  seconds: SecondFacts[];
  /** Response times over the same seconds, for intervals. */
  series: TimeBlock[];
  /** Response times of each thread; one entry a thread. */
  threads: { threadIndex: number; series: TimeBlock[] }[];
  /** The schedule itself asked for another rate at other times: what follows it is no drift. */
  rateChanges: boolean;
  /** Seconds at the beginning of the measured part that the rest is unlike. */
  warmup: Warmup;
  client: ClientFacts;
  /** The tail is worth explaining. */
  tailLate: boolean;
  /** Null when no log was replayed. */
  replay: ReplayFacts | null;
};

export type SecondFacts = {
  startNs: number;
  plannedCount: number;
  sentCount: number;
  /** Given up in this second, for want of a connection. */
  droppedCount: number;
  /** Due by the end of this second and still waiting for a connection. */
  pendingCount: number;
  /** Too much of what was due was not sent: the load followed the server. */
  closedLoop: boolean;
  p50Ns: number | null;
  p90Ns: number | null;
  p99Ns: number | null;
};

export type ClientFacts = {
  /** CPU time, chosen spinning taken off, over wall time: the busiest thread. */
  busyShare: number;
  runQueueShare: number;
  /** Null without a quota. */
  throttledShare: number | null;
  spins: boolean;
};

export function loadFactsOf(record: LoadRecord): LoadFacts {
  const { counts, total } = record;
  const response = distributionOf([total.response]);
  const responseOrWorse = distributionOf([total.response], [total.censored, total.unsent]);
  const endedCount = ended(counts);
  const service = distributionOf([total.service]);
  const hindrances = hindrancesOf(record, service);
  const { seconds, series, threads } = timelineOf(record);
  return {
    record,
    open: record.plan.arrival !== 'closed',
    response,
    service,
    lateness: distributionOf([total.lateness]),
    responseOrWorse,
    wallNs: amount(record.endNs - record.startNs),
    endedCount,
    achievedShare: ratio(endedCount, counts.planned),
    failedShare: ratio(amount(counts.error) + amount(counts.timeout), counts.planned),
    notOkShare: notOkShare(counts),
    poolDry: isPoolDry(record, hindrances),
    hindrances,
    seconds,
    series,
    threads,
    rateChanges: record.plan.arrival !== 'closed' && isRateChanging(seconds),
    warmup: findWarmup(seconds.flatMap((second) => second.p90Ns ?? [])),
    client: clientFactsOf(record),
    tailLate: isTailLate(responseOrWorse),
    replay: replayFactsOf(record),
  };
}

/** Earlier files hold the number of connections as the limit, whatever each may have under way. */
function isPoolDry({ inFlight, plan }: LoadRecord, { counts }: Hindrances): boolean {
  const limit = Math.max(amount(inFlight.limit), amount(plan.connectionCount * (plan.pipelineDepth ?? 1)));
  return (amount(inFlight.limit) > 0 && inFlight.max >= limit) || (counts?.allTaken ?? 0) > 0;
}

function ended(counts: OutcomeCounts): number {
  return amount(counts.ok) + amount(counts.wrong) + amount(counts.error) + amount(counts.timeout);
}

function isTailLate(response: Distribution | null): boolean {
  if (!response || response.count < 100) return false;
  const p99Ns = response.quantileNs(0.99);
  return p99Ns >= TAIL.p99Ns && p99Ns >= TAIL.p99OverP50 * response.quantileNs(0.5);
}

/** Requests due in each second: more different than chance makes them, and by an amount that matters. */
function isRateChanging(seconds: readonly SecondFacts[]): boolean {
  // The last second may be a part of one.
  const counts = seconds.slice(0, -1).map((second) => second.plannedCount);
  const mean = sumBy(counts, (count) => count) / counts.length;
  if (counts.length < 2 || mean === 0) return false;
  const variance = sumBy(counts, (count) => (count - mean) ** 2) / (counts.length - 1);
  const byChance = 1 + SELF.idcSigmas * Math.sqrt(2 / counts.length);
  return variance / mean > byChance && Math.sqrt(variance) / mean > SELF.trendChange;
}

type Timeline = Pick<LoadFacts, 'seconds' | 'series' | 'threads'>;

function timelineOf(record: LoadRecord): Timeline {
  const open = record.plan.arrival !== 'closed';
  const seconds: SecondFacts[] = [];
  const series: TimeBlock[] = [];
  const threads = new Map<number, TimeBlock[]>();
  let pendingCount = 0;
  const isKnown = record.blocks.some(isSendingKnown);
  for (const blocks of secondsOf(record)) {
    const times = blocks.map((block) => blockOf(block.startNs, [block.latency], 'response'));
    blocks.forEach(({ threadIndex }, index) => {
      const own = threads.get(threadIndex);
      if (own) own.push(times[index]!);
      else threads.set(threadIndex, [times[index]!]);
    });
    const merged = mergeBlocks(times);
    const second = secondOf(blocks, merged, pendingCount, open, isKnown);
    pendingCount = second.pendingCount;
    seconds.push(second);
    series.push(merged);
  }
  return {
    seconds,
    series: groupSeries(series),
    threads: [...threads].map(([threadIndex, own]) => ({ threadIndex, series: groupSeries(own) })),
  };
}

/** The number sent is that of the times of sending; a run without any tells nothing of what is missing. */
function isSendingKnown({ counts, latency }: LoadBlock): boolean {
  return counts.unsent > 0 || timesIn(latency.lateness).totalCount > 0;
}

/** planned = sent + dropped + pending, second by second. */
function secondOf(
  blocks: readonly LoadBlock[],
  merged: TimeBlock,
  pendingBefore: number,
  open: boolean,
  isKnown: boolean,
): SecondFacts {
  const plannedCount = sumBy(blocks, (block) => block.counts.planned);
  const droppedCount = sumBy(blocks, (block) => block.counts.unsent);
  const sentCount = sumBy(blocks, (block) => timesIn(block.latency.lateness).totalCount);
  const pendingCount = isKnown ? amount(pendingBefore + plannedCount - sentCount - droppedCount) : 0;
  const allowed = (1 - SELF.rateHeld) * plannedCount + SELF.pendingAllowed;
  return {
    startNs: merged.startNs,
    plannedCount,
    sentCount,
    droppedCount,
    pendingCount,
    closedLoop: open && pendingCount + droppedCount > allowed,
    p50Ns: quantileOf(merged, 0.5),
    p90Ns: quantileOf(merged, 0.9),
    p99Ns: quantileOf(merged, 0.99),
  };
}

function quantileOf({ answered }: TimeBlock, q: number): number | null {
  return sparseQuantile(answered, NO_TIMES, q)?.valueNs ?? null;
}

function clientFactsOf(record: LoadRecord): ClientFacts {
  const { client } = record;
  let busyShare = 0;
  let runQueueShare = 0;
  let spins = false;
  for (const thread of client.threads) {
    const cpuNs = amount(amount(thread.userNs) + amount(thread.systemNs) - amount(thread.spinNs));
    busyShare = Math.max(busyShare, ratio(cpuNs, client.wallNs));
    runQueueShare = Math.max(runQueueShare, ratio(thread.runDelayNs, client.wallNs));
    spins ||= thread.spinNs > 0;
  }
  const throttledShare = client.throttledNs === null ? null : ratio(client.throttledNs, client.wallNs);
  return { busyShare, runQueueShare, throttledShare, spins };
}
