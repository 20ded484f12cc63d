/** What held up the load: a server that was gone, or silent, a client that did not run; in numbers and in words. */
import { formatCount, formatNs } from '../base/units.ts';
import type { LoadRecord, OutageRecord, SpanRecord, WaitCounts } from '../record/load.ts';
import type { Distribution } from './facts/distribution.ts';
import { amount, ratio, sumBy } from './facts/numbers.ts';
import { HINDRANCE } from './limits.ts';
import { peerName, plural } from './words.ts';

/** Of an outage: a proxy's word that it did not reach the target. */
const OF_PROXY = /^proxy \d{3}$/;

export type WaitReason = keyof WaitCounts;

const REASONS: readonly WaitReason[] = ['noConnection', 'allTaken', 'clientAway', 'suspended', 'predecessor'];

export type Hindrances = {
  /** Of late and unsent requests together; null when nobody counted. */
  counts: Required<WaitCounts> | null;
  /** Why most of them waited; null when there were none, or nobody counted. */
  main: WaitReason | null;
  /** Times in which the server was gone. */
  outages: readonly OutageRecord[];
  /** The server was gone when sending ended. */
  isGone: boolean;
  /** It was gone for a part of the run that matters. */
  wasGone: boolean;
  /** The server was silent for a part of the run that matters. */
  silence: SpanRecord | null;
  /** Requests were sent, and not a byte came back. */
  isMute: boolean;
  /** Something came for requests that were sent, and no reply to its end. */
  isEndless: boolean;
  /** The client stood still for longer than a moment. */
  absence: SpanRecord | null;
};

export function hindrancesOf(record: LoadRecord, service: Distribution | null): Hindrances {
  const { waits } = record;
  const outages = record.outages ?? [];
  const counts = waits ? sumOf(waits.late, waits.unsent) : null;
  const wallNs = amount(record.endNs - record.startNs);
  const goneNs = sumBy(outages, (outage) => (outage.toNs ?? record.endNs) - outage.fromNs);
  const lasts = (span: SpanRecord | null | undefined) =>
    span && span.toNs - span.fromNs >= HINDRANCE.stillNs ? span : null;
  const silence = lasts(waits?.longestSilence);
  const usualNs = service?.quantileNs(0.5) ?? 0;
  const isSilent = (span: SpanRecord) => {
    const ns = span.toNs - span.fromNs;
    return ratio(ns, wallNs) >= HINDRANCE.share && ns >= HINDRANCE.silenceOverP50 * usualNs;
  };
  return {
    counts,
    main: counts && mainOf(counts),
    outages,
    isGone: isServerGone(record),
    wasGone: ratio(goneNs, wallNs) >= HINDRANCE.share,
    silence: silence && isSilent(silence) ? silence : null,
    isMute: isUnanswered(record) && record.bytesReceived === 0,
    isEndless: isUnanswered(record) && record.bytesReceived > 0,
    absence: lasts(waits?.longestAbsence),
  };
}

/** It held its connections, and answered nobody on them for a while. */
export function isServerStill({ silence, isMute, isEndless }: Hindrances): boolean {
  return isMute || isEndless || silence !== null;
}

/** What isServerStill() is about, in words. */
export function stillText({ isEndless }: Hindrances): string {
  return isEndless ? 'the server ended no reply' : 'the server stood still';
}

/** Requests waited for replies, and not one of them came whole, good or bad. */
function isUnanswered({ counts, connections }: LoadRecord): boolean {
  const ended = counts.ok + counts.wrong + counts.error + connections.lateReplies;
  return ended === 0 && counts.timeout + counts.unfinished > 0;
}

/** No connection was open when sending ended, and connects found nobody. */
export function isServerGone({ outages = [] }: Pick<LoadRecord, 'outages'>): boolean {
  return outages.some((outage) => outage.toNs === null);
}

function sumOf(a: WaitCounts, b: WaitCounts): Required<WaitCounts> {
  return {
    allTaken: amount(a.allTaken) + amount(b.allTaken),
    noConnection: amount(a.noConnection) + amount(b.noConnection),
    clientAway: amount(a.clientAway) + amount(b.clientAway),
    suspended: amount(a.suspended) + amount(b.suspended),
    predecessor: amount(a.predecessor ?? 0) + amount(b.predecessor ?? 0),
  };
}

function mainOf(counts: Required<WaitCounts>): WaitReason | null {
  const most = REASONS.reduce((best, reason) => (counts[reason] > counts[best] ? reason : best));
  return counts[most] > 0 ? most : null;
}

/** "2.0 s": a moment of the run, since the load began. */
export function momentText(record: Pick<LoadRecord, 'startNs'>, atNs: number): string {
  return `${(Math.max(0, atNs - record.startNs) / 1e9).toFixed(1)} s`;
}

/** "the server went away at 2.0 s: 10 connections closed, 62 refused". */
export function outageText(record: LoadRecord, outage: OutageRecord): string {
  const from = momentText(record, outage.fromNs);
  const who = goneName(record, outage);
  const what =
    outage.toNs === null
      ? `${who} went away at ${from}`
      : `${who} was away from ${from} to ${momentText(record, outage.toNs)}`;
  return `${what}: ${lossText(outage, record.plan.connectionCount)}`;
}

/** A proxy that says so itself is there; else it is the proxy that connects did not find. */
export function goneName({ plan: { proxy } }: LoadRecord, { errno }: OutageRecord): string {
  if (!proxy) return 'the server';
  return OF_PROXY.test(errno) ? 'the server behind the proxy' : 'the proxy';
}

function lossText({ closed, refused, errno }: OutageRecord, connectionCount: number): string {
  const parts = closed > 0 ? [closedText(closed, connectionCount)] : [];
  if (errno === 'ECONNREFUSED') parts.push(`${formatCount(refused)} refused`);
  else parts.push(`${plural(refused, 'connect')} failed (${errnoText(errno)})`);
  return parts.join(', ');
}

/** Some are opened anew and closed again before the last of them: no more connections than there were. */
function closedText(closed: number, connectionCount: number): string {
  return closed <= connectionCount
    ? `${plural(closed, 'connection')} closed`
    : `${plural(closed, 'close')} on ${plural(connectionCount, 'connection')}`;
}

function errnoText(errno: string): string {
  return /^\w{1,20}$/.test(errno) || OF_PROXY.test(errno) ? errno : 'errno not known';
}

/** "nothing came from the server for 2.01 s, from 1.9 s on, with requests under way". */
export function silenceText(record: LoadRecord, { fromNs, toNs }: SpanRecord): string {
  const from = sinceText(record, fromNs);
  return `nothing came from ${peerName(record.plan)} for ${formatNs(toNs - fromNs)}, ${from}, with requests under way`;
}

/** "the client did not run for 2.01 s, from 1.9 s on". */
export function absenceText(record: LoadRecord, { fromNs, toNs }: SpanRecord): string {
  return `the client did not run for ${formatNs(toNs - fromNs)}, ${sinceText(record, fromNs)}`;
}

/** "from 1.9 s on"; what was so with the first request has no moment of its own. */
function sinceText(record: LoadRecord, fromNs: number): string {
  const from = momentText(record, fromNs);
  return from === '0.0 s' ? 'from the first request on' : `from ${from} on`;
}

/** Why requests waited, in few words: what the shape of arrivals then followed. Null when nothing is known to have held any. */
export function heldUpBy({ record, hindrances, poolDry }: HeldUp): string | null {
  const { main, absence } = hindrances;
  if (main === 'noConnection') return 'no connection was open at times';
  if (main === 'suspended') return 'the machine was suspended';
  if (main === 'predecessor') return 'requests waited for their client’s one before';
  if (main === 'clientAway') return absence ? absenceText(record, absence) : 'the client did not run in time';
  return poolDry ? 'connections ran out' : null;
}

type HeldUp = { record: LoadRecord; hindrances: Hindrances; poolDry: boolean };

/** "of the requests that waited, 390 had no connection open, 10 found all taken"; null when none did. */
export function waitsText({ counts }: Hindrances): string | null {
  if (!counts) return null;
  const words: Record<WaitReason, string> = {
    noConnection: 'had no connection open',
    allTaken: 'found every open connection taken',
    clientAway: 'waited for the client to run',
    suspended: 'waited for a suspended machine',
    predecessor: 'waited for their client’s one before',
  };
  const parts = REASONS.filter((reason) => counts[reason] > 0)
    .sort((a, b) => counts[b] - counts[a])
    .map((reason) => `${formatCount(counts[reason])} ${words[reason]}`);
  return parts.length > 0 ? `of the requests that waited, ${parts.join(', ')}` : null;
}
