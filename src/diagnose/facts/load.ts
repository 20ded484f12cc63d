import type { LoadBlock, LoadRecord, OutcomeCounts } from '../../record/load.ts';
import { TAIL } from '../limits.ts';
import { type Distribution, distributionOf } from './distribution.ts';
import { amount, ratio, sumBy } from './numbers.ts';

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
  /** At some moment every connection was taken: what was due then had to wait. */
  poolDry: boolean;
  /** Blocks of all threads, second by second, warm-up left out. */
  seconds: SecondFacts[];
  client: ClientFacts;
  /** The tail is worth explaining. */
  tailLate: boolean;
};

export type SecondFacts = {
  startNs: number;
  plannedCount: number;
  endedCount: number;
  p50Ns: number | null;
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
  const limit = amount(record.inFlight.limit);
  return {
    record,
    open: record.plan.arrival !== 'closed',
    response,
    service: distributionOf([total.service]),
    lateness: distributionOf([total.lateness]),
    responseOrWorse,
    wallNs: amount(record.endNs - record.startNs),
    endedCount,
    achievedShare: ratio(endedCount, counts.planned),
    failedShare: ratio(amount(counts.error) + amount(counts.timeout), counts.planned),
    poolDry: limit > 0 && record.inFlight.max >= limit,
    seconds: secondsOf(record),
    client: clientFactsOf(record),
    tailLate: isTailLate(responseOrWorse),
  };
}

function ended(counts: OutcomeCounts): number {
  return amount(counts.ok) + amount(counts.wrong) + amount(counts.error) + amount(counts.timeout);
}

function isTailLate(response: Distribution | null): boolean {
  if (!response || response.count < 100) return false;
  const p99Ns = response.quantileNs(0.99);
  return p99Ns >= TAIL.p99Ns && p99Ns >= TAIL.p99OverP50 * response.quantileNs(0.5);
}

function secondsOf(record: LoadRecord): SecondFacts[] {
  const groups = new Map<number, LoadBlock[]>();
  for (const block of record.blocks) {
    if (block.startNs < record.measuredFromNs) continue;
    const key = Math.round(block.startNs / 1e8);
    const group = groups.get(key);
    if (group) group.push(block);
    else groups.set(key, [block]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, blocks]) => {
      const response = distributionOf(blocks.map((block) => block.latency.response));
      return {
        startNs: blocks[0]!.startNs,
        plannedCount: sumBy(blocks, (block) => block.counts.planned),
        endedCount: sumBy(blocks, (block) => ended(block.counts)),
        p50Ns: response ? response.quantileNs(0.5) : null,
        p99Ns: response ? response.quantileNs(0.99) : null,
      };
    });
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
