/** What a load is when a log is replayed: its plan, and its record from what the threads tell. */
import { LoopscopeError } from '../base/errors.ts';
import type { PlanOptions } from '../plan/plan-options.ts';
import type { ReplayOptions } from '../plan/replay/replay-options.ts';
import type { ReplaySummary } from '../plan/replay/replay-summary.ts';
import { addCounts, createHistogram } from '../record/histogram.ts';
import { encodeHistogram } from '../record/histogram-text.ts';
import type { PlanRecord } from '../record/load.ts';
import type { ReplayRecord } from '../record/replay/replay.ts';
import { type ReplayTally, replayRecordOf } from './replay/replay-record.ts';
import type { ReplayThreadTally } from './replay/replay-source.ts';

const REASONS_TOLD = 3;
/** Requests due and waiting, of all threads together. */
const WAITING_LIMIT = 65_536;

/** Of a replay the plan says where to and how; what and when is the log's. One request a connection, as its client sent it. */
export function replayPlan(options: PlanOptions): PlanOptions {
  const { warmupNs = 0, queueLimit = WAITING_LIMIT } = options;
  return {
    ...options,
    arrival: 'closed',
    arrivalParams: {},
    ratePerSec: null,
    stages: null,
    requestLimit: null,
    thinkTime: null,
    pipelineDepth: 1,
    warmupNs,
    queueLimit,
  };
}

/** Why no request of the logs is sent, when all of them are read. */
export function nothingToSend(summary: ReplaySummary): LoopscopeError {
  const { lineCount, refused, leftOut, unsafeMethods } = summary;
  if (lineCount === 0) {
    return new LoopscopeError(
      'NOTHING_TO_SEND',
      'nothing in the log is to be sent: it is empty',
      'name another file; of a pipe, see that what writes it does',
    );
  }
  const reasons = [
    ...leftOut.map(({ why, count }) => ({
      count,
      why: why === 'method' ? 'methods that change things' : why,
    })),
    ...refused.map(({ meaning, count }) => ({ count, why: meaning })),
  ].sort((a, b) => b.count - a.count);
  const parts = reasons.slice(0, REASONS_TOLD).map(({ count, why }) => `${count} ${why}`);
  const read = lineCount === 1 ? '1 line was read' : `${lineCount} lines were read`;
  return new LoopscopeError(
    'NOTHING_TO_SEND',
    `nothing in the log is to be sent: ${[read, ...parts].join('; ')}`,
    unsafeMethods.length > 0
      ? 'add --unsafe-methods to send those too; --dry-run tells more'
      : 'see what is in it with --dry-run',
  );
}

/** The plan's record, as a replay has it. At full speed requests follow the replies, as in any closed loop. */
export function replayArrival({ pace }: ReplayOptions): Pick<PlanRecord, 'arrival' | 'arrivalSpec'> {
  return { arrival: pace?.kind === 'max' ? 'closed' : 'replay', arrivalSpec: 'replay' };
}

/**
 * The replay's part of the run, of all threads together; `plannedCount`: requests that became due; `startMs`: when the
 * schedule began, ms since 1970.
 */
export function replayRecord(
  summary: ReplaySummary,
  options: ReplayOptions,
  threads: readonly ReplayThreadTally[],
  plannedCount: number,
  startMs: number,
): ReplayRecord {
  const sum = (count: (thread: ReplayThreadTally) => number) =>
    threads.reduce((total, thread) => total + count(thread), 0);
  const tally: ReplayTally = {
    waitedCount: sum(({ waitedCount }) => waitedCount),
    movedCount: sum(({ movedCount }) => movedCount),
    disorderedCount: sum(({ disorderedCount }) => disorderedCount),
    starved: {
      count: sum(({ starvedCount }) => starvedCount),
      longestNs: Math.max(...threads.map(({ starvedNsMax }) => starvedNsMax)),
    },
    askedGaps: options.pace?.kind === 'max' ? null : encoded(threads.map(({ gaps }) => gaps)),
    logged: threads[0]!.logged.map((_, route) => {
      const parts = threads.map(({ logged }) => logged[route] ?? null).filter((part) => part !== null);
      return parts.length === 0 ? null : encoded(parts);
    }),
    statusMatrix: sumMatrix(threads),
    sizes: {
      equal: sum(({ sizes }) => sizes.equal),
      larger: sum(({ sizes }) => sizes.larger),
      smaller: sum(({ sizes }) => sizes.smaller),
      unknown: sum(({ sizes }) => sizes.unknown),
      moreBytes: sum(({ sizes }) => sizes.moreBytes),
      fewerBytes: sum(({ sizes }) => sizes.fewerBytes),
    },
    filledCount: summary.filledCount,
  };
  return replayRecordOf(untilTheEnd(summary, plannedCount), options, tally, startMs);
}

/** The reader is ahead of what is sent: what it handed over, and was not due when the run ended, is left out. */
function untilTheEnd(summary: ReplaySummary, plannedCount: number): ReplaySummary {
  const aheadCount = summary.requestCount - plannedCount;
  if (aheadCount <= 0) return summary;
  const why = 'not reached before the end';
  const before = summary.leftOut.find((each) => each.why === why)?.count ?? 0;
  return {
    ...summary,
    requestCount: plannedCount,
    leftOut: [...summary.leftOut.filter((each) => each.why !== why), { why, count: before + aheadCount }],
  };
}

function encoded(parts: readonly Float64Array[]): string {
  const histogram = createHistogram();
  for (const part of parts) addCounts(histogram, part);
  return encodeHistogram(histogram);
}

/** The most frequent first. */
function sumMatrix(threads: readonly ReplayThreadTally[]): ReplayRecord['statusMatrix'] {
  const counts = new Map<string, ReplayRecord['statusMatrix'][number]>();
  for (const [logged, came, count] of threads.flatMap(({ statusMatrix }) => statusMatrix)) {
    const cell = counts.get(`${logged} ${came}`);
    if (cell) cell[2] += count;
    else counts.set(`${logged} ${came}`, [logged, came, count]);
  }
  return [...counts.values()].sort((a, b) => b[2] - a[2]);
}
