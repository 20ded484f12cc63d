/** A loop's cycles as it counted them itself: what an observer from outside should find too. */
import type { EventLoop, LoopStats } from '../loop/event-loop.ts';
import type { ResponderCounts } from './protocols/protocol.ts';
import type { RuleCount } from './proxy/rules/rules.ts';
import { ROW, type Row } from './workers/board.ts';

export type WorkerStats = {
  /** Number of the worker, from 1; 0 without a master. */
  worker: number;
  /** Raised by each reload; 1 at first. */
  generation: number;
  pid: number;
  backend: EventLoop['backend'];
  /** Accept strategy; 'own' without a master. */
  accept: string;
  state: 'running' | 'leaving' | 'ended';
  elapsedNs: number;
  /** Waits, but for peeks: polls that brought nothing. */
  cycles: number;
  peeks: number;
  events: number;
  eventsPerWakeup: number;
  mostEvents: number;
  waitNs: number;
  /** Time between waits. */
  workNs: number;
  accepts: number;
  /** accept(2) calls that found nobody waiting (EAGAIN). */
  acceptsEmpty: number;
  /** Of these, the first of their cycle: woken for nothing. */
  acceptsInVain: number;
  /** Times it had the accept lock. */
  turnsTaken: number;
  systemCalls: number;
  shortages: number;
  requests: number;
  bad: number;
  slowReaders: number;
  timedOut: number;
  connections: number;
  /** Of a proxy, where requests are clients that were connected through, and bad ones those with a wrong head. */
  proxy?: ProxyStats;
};

export type ProxyStats = {
  /** Clients that may not go where they asked to. */
  refused: number;
  /** Connects to upstreams that failed. */
  unreached: number;
  /** Flows that ended with an error of one side. */
  resets: number;
  /** Bytes from clients. */
  upBytes: number;
  /** Bytes from upstreams. */
  downBytes: number;
  /** What each rule allowed, refused, and would have refused; what no rule decides, once it was counted. */
  rules: RuleCount[];
};

export type WorkerIdentity = Pick<
  WorkerStats,
  'worker' | 'generation' | 'pid' | 'backend' | 'accept' | 'state'
>;

/** Writes the row. Once a cycle; allocates nothing. */
export function publishStats(
  row: Row,
  elapsedNs: number,
  loop: LoopStats,
  counts: ResponderCounts,
  connectionCount: number,
): void {
  publishLoop(row, elapsedNs, loop);
  row[ROW.requests] = counts.requestCount;
  row[ROW.bad] = counts.badCount;
  row[ROW.slowReaders] = counts.slowReaderCount;
  row[ROW.timedOut] = counts.timedOutCount;
  row[ROW.connections] = connectionCount;
}

/** The loop's part of it. */
export function publishLoop(row: Row, elapsedNs: number, loop: LoopStats): void {
  const events = loop.eventCount - row[ROW.events]!;
  if (events > row[ROW.mostEvents]!) row[ROW.mostEvents] = events;
  row[ROW.elapsedNs] = elapsedNs;
  row[ROW.waitNs] = loop.waitNs;
  row[ROW.waits] = loop.waitCount;
  row[ROW.peeks] = loop.peekCount;
  row[ROW.events] = loop.eventCount;
  row[ROW.accepts] = loop.acceptCount;
  row[ROW.acceptsEmpty] = loop.acceptEmptyCount;
  row[ROW.acceptsInVain] = loop.acceptInVainCount;
  row[ROW.systemCalls] = loop.systemCallCount;
  row[ROW.shortages] = loop.shortageCount;
}

/** Reads a row as one JSON line shows it. */
export function readStats(row: Row, identity: WorkerIdentity): WorkerStats {
  const cycles = row[ROW.waits]! - row[ROW.peeks]!;
  const events = row[ROW.events]!;
  return {
    ...identity,
    elapsedNs: Math.round(row[ROW.elapsedNs]!),
    cycles,
    peeks: row[ROW.peeks]!,
    events,
    eventsPerWakeup: cycles === 0 ? 0 : Number((events / cycles).toFixed(3)),
    mostEvents: row[ROW.mostEvents]!,
    waitNs: Math.round(row[ROW.waitNs]!),
    workNs: Math.round(Math.max(0, row[ROW.elapsedNs]! - row[ROW.waitNs]!)),
    accepts: row[ROW.accepts]!,
    acceptsEmpty: row[ROW.acceptsEmpty]!,
    acceptsInVain: row[ROW.acceptsInVain]!,
    turnsTaken: row[ROW.turnsTaken]!,
    systemCalls: row[ROW.systemCalls]!,
    shortages: row[ROW.shortages]!,
    requests: row[ROW.requests]!,
    bad: row[ROW.bad]!,
    slowReaders: row[ROW.slowReaders]!,
    timedOut: row[ROW.timedOut]!,
    connections: row[ROW.connections]!,
    ...(row[ROW.isProxy] === 1 && { proxy: readProxyStats(row) }),
  };
}

function readProxyStats(row: Row): ProxyStats {
  return {
    refused: row[ROW.refused]!,
    unreached: row[ROW.unreached]!,
    resets: row[ROW.resets]!,
    upBytes: row[ROW.upBytes]!,
    downBytes: row[ROW.downBytes]!,
    rules: [],
  };
}

/** The counts of a proxy's rules beside its row. */
export function withRules(stats: WorkerStats, rules: RuleCount[]): WorkerStats {
  return stats.proxy ? { ...stats, proxy: { ...stats.proxy, rules } } : stats;
}
