/**
 * Whether a log's clients sent one request after another, as a replay of them would: an address may stand for many users,
 * a connection may carry many requests at once. The log itself tells, where it has starts and ends.
 */
import { formatShare } from '../../../base/units.ts';
import { SESSION_KINDS, type SessionKind } from '../formats/log-format.ts';
import type { Recognised } from '../formats/recognise.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { createLogEntry, type LogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { Clients } from './client.ts';

/** Of requests that began while another one of their client was under way: more would wait for that than can be overlooked. */
const SHARE_MAX = 0.1;
/** Fewer requests say nothing. */
const COUNT_MIN = 100;
/** Stamps are cut, and durations too: what overlaps by less may not. */
const MARGIN_NS = 2e6;

/** Of the requests with start and end, how many began while another one of their client was under way, by kind of client. */
export type Overlaps = { count: number; overlapping: Partial<Record<SessionKind, number>> };

/** What a log is taken for by its clients, and why, as sentences end. */
export type SessionChoice = { kind: SessionKind; why: string };

/** Looks at the beginning of a log. */
export function overlapsOf(head: Uint8Array, { format, parser }: Recognised): Overlaps {
  const kinds = parser.carries.filter((kind) => kind !== 'none');
  const counters = kinds.map((kind) => ({ kind, clients: new Clients(kind), count: 0, untilNs: new Map() }));
  const requests = requestsOf(head, { format, parser }, (entry) =>
    counters.map(({ clients }) => clients.of(entry)),
  );
  for (const { startNs, endNs, grainNs, clients } of requests) {
    for (const [i, counter] of counters.entries()) {
      const untilNs: number = counter.untilNs.get(clients[i]) ?? Number.NEGATIVE_INFINITY;
      if (startNs + Math.max(grainNs, MARGIN_NS) < untilNs) counter.count++;
      if (endNs > untilNs) counter.untilNs.set(clients[i], endNs);
    }
  }
  return {
    count: requests.length,
    overlapping: Object.fromEntries(counters.map(({ kind, count }) => [kind, count])),
  };
}

type Timed = { startNs: number; endNs: number; grainNs: number; clients: number[] };

/** Those with start and end, by start; times are ns since the first stamp. */
function requestsOf(
  head: Uint8Array,
  { format, parser }: Pick<Recognised, 'format' | 'parser'>,
  clientsOf: (entry: LogEntry) => number[],
): Timed[] {
  const splitter = createSplitter(format.framing);
  const record = createLogRecord();
  const entry = createLogEntry(parser.escapes);
  const requests: Timed[] = [];
  let anchorSec = Number.NaN;
  splitter.push(head);
  while (splitter.next(record)) {
    if (parseRecord(parser, record, entry) !== REFUSAL.none || entry.durationNs < 0) continue;
    if (Number.isNaN(anchorSec)) anchorSec = entry.stampSec;
    const stampNs = (entry.stampSec - anchorSec) * 1e9 + entry.stampSubNs;
    const startNs = parser.stamped === 'end' ? stampNs - entry.durationNs : stampNs;
    const { durationNs, grainNs } = entry;
    requests.push({ startNs, endNs: startNs + durationNs, grainNs, clients: clientsOf(entry) });
  }
  return requests.sort((a, b) => a.startNs - b.startNs);
}

const NAMES: Readonly<Partial<Record<SessionKind, string>>> = {
  'ip+agent': 'address and user agent',
  ip: 'address',
  'ip:port': 'connection',
};

/**
 * The most exact that all logs carry, unless its requests overlap in them: then an address is told apart by user agents
 * too, or nothing is. `carried` is in the order of SESSION_KINDS.
 */
export function defaultSession(carried: readonly SessionKind[], heads: readonly Overlaps[]): SessionChoice {
  const exact = carried.find((kind) => kind !== 'ip+agent') ?? 'none';
  const better = SESSION_KINDS.slice(0, SESSION_KINDS.indexOf(exact)).filter(
    (kind) => ASKED_ONLY.indexOf(kind) < 0,
  );
  const why = better.length === 0 ? 'the log says it' : `the log has no ${better.join(' and no ')}`;
  const count = heads.reduce((sum, head) => sum + head.count, 0);
  const shareOf = (kind: SessionKind) =>
    heads.reduce((sum, { overlapping }) => sum + (overlapping[kind] ?? 0), 0) / count;
  if (exact === 'none' || count < COUNT_MIN || shareOf(exact) <= SHARE_MAX) return { kind: exact, why };
  const name = NAMES[exact] ?? exact;
  const seen = `${formatShare(shareOf(exact))} of the first ${count} requests began while another of their ${name} was under way`;
  const isTold = exact === 'ip' && carried.includes('ip+agent') && shareOf('ip+agent') <= SHARE_MAX;
  return { kind: isTold ? 'ip+agent' : 'none', why: seen };
}

/** Taken when asked for, or where the log calls for it. */
const ASKED_ONLY: readonly SessionKind[] = ['header', 'ip+agent'];
