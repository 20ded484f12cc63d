/** Servers that go away, or stand still: cases of rules.test.ts. */
import { NS_PER_S } from '../../base/units.ts';
import type { OutageRecord, WaitRecord } from '../../record/load.ts';
import type { ListenerRecord } from '../../record/observation.ts';
import { listener } from './accept-cases.ts';
import type { LookAlike, Planted } from './case.ts';
import { blockedIn, quietRun, type RunBuilder } from './run-builder.ts';
import { asleep } from './situations.ts';

const NONE = { allTaken: 0, noConnection: 0, clientAway: 0, suspended: 0 };

export function waits(change: Partial<WaitRecord> = {}): WaitRecord {
  return { late: NONE, unsent: NONE, longestAbsence: null, longestSilence: null, suspendedNs: 0, ...change };
}

export function span(fromS: number, toS: number) {
  return { fromNs: fromS * NS_PER_S, toNs: toS * NS_PER_S };
}

export function outage(fromS: number, toS: number | null): OutageRecord {
  const toNs = toS === null ? null : toS * NS_PER_S;
  return { fromNs: fromS * NS_PER_S, toNs, closed: 10, refused: 62, errno: 'ECONNREFUSED' };
}

/** Half of the requests were never sent, and the client's own checks would be VOID but for the reason. */
function starved(unsent: Partial<typeof NONE>): RunBuilder {
  return quietRun()
    .unwatched()
    .counts({ planned: 40_000, ok: 20_000, unsent: 20_000 })
    .lateness([
      [0.01, 10_000],
      [900, 10_000],
    ])
    .response([
      [0.2, 10_000],
      [900, 10_000],
    ])
    .load({ waits: waits({ unsent: { ...NONE, ...unsent } }) });
}

/** Every request timed out, and not a byte came. */
function mute(builder: RunBuilder): RunBuilder {
  return builder
    .counts({ ok: 0, timeout: 20_000 })
    .load({ bytesReceived: 0, statusCounts: {}, waits: waits() });
}

/** Every request timed out, though bytes came and came. */
function endless(builder: RunBuilder): RunBuilder {
  return mute(builder).load({ bytesReceived: 125e6 });
}

function overflown(): ListenerRecord {
  return listener(['exclusive', 'exclusive'], { backlog: 1, dropped: 18, fullCount: 30, mostWaiting: 2 });
}

export const SERVER_PLANTED: readonly Planted[] = [
  {
    culprit: 'server.gone',
    name: 'killed in the middle of a load',
    run: () => starved({ noConnection: 20_000 }).load({ outages: [outage(2, null)] }),
    says: [
      /^the server went away at 2\.0 s: 10 connections closed, 62 refused$/m,
      /20\.0 k had no connection open/,
      /own log/,
    ],
  },
  {
    culprit: 'server.gone',
    name: 'restarted, and back after two seconds',
    run: () => starved({ noConnection: 20_000 }).load({ outages: [outage(2, 4), outage(6, 6.1)] }),
    says: [/^the server was away from 2\.0 s to 4\.0 s: .*; 2 times in all$/m, /restarted/],
  },
  {
    culprit: 'server.gone',
    name: 'a watched process that ends, and no load',
    run: () =>
      quietRun()
        .undriven()
        .loop(0, { pid: 100, endNs: 2e9 })
        .loop(1, { pid: 100, endNs: 2e9 })
        .observation({ exits: [{ pid: 100, atNs: 2e9 }] }),
    says: [/^the watched process ended: nginx \(pid 100\), 2\.00 s into the run$/m],
  },
  {
    culprit: 'server.silent',
    name: 'stopped for two seconds',
    run: () =>
      starved({ allTaken: 20_000 }).load({ waits: waits({ longestSilence: span(2, 4) }), outages: [] }),
    says: [/^nothing came from the server for 2\.00 s, from 2\.0 s on, with requests under way$/m],
  },
  {
    culprit: 'server.silent',
    name: 'silent at first',
    run: () =>
      starved({ allTaken: 20_000 }).load({ waits: waits({ longestSilence: span(0.01, 2) }), outages: [] }),
    says: [/^nothing came from the server for 1\.99 s, from the first request on, with requests under way$/m],
  },
  {
    culprit: 'server.gone',
    name: 'connections that were opened anew and closed again before the last of them',
    run: () => starved({ noConnection: 20_000 }).load({ outages: [{ ...outage(2, null), closed: 79 }] }),
    says: [/^the server went away at 2\.0 s: 79 closes on 50 connections, 62 refused$/m],
  },
  {
    culprit: 'server.silent',
    name: 'not one reply, from loops that were hardly late',
    run: () => mute(quietRun()).stalls(60, { wallMs: 20, blocked: [blockedIn('nanosleep', 19)] }),
    says: [
      /^not one reply came: 20\.0 k requests timed out$/m,
      /Its 2 loops went on meanwhile/,
      /handlers wait for/,
    ],
  },
  {
    culprit: 'server.silent',
    name: 'not one reply, from loops that never woke, before a full listen queue',
    run: () =>
      mute(asleep(quietRun()))
        .host({ listenOverflows: 20 })
        .observation({ listeners: [overflown()] }),
    says: [/^not one reply came/m, /Its 2 loops never woke/],
  },
  {
    culprit: 'server.endless',
    name: 'a flood of chunks that no reply comes out of',
    run: () => endless(quietRun().unwatched()),
    says: [/^not one reply came to its end: 20\.0 k requests timed out$/m, /119 MiB came from it/, /curl/],
  },
  {
    culprit: 'server.endless',
    name: 'the same, from loops that were hardly late',
    run: () => endless(quietRun()).stalls(60, { wallMs: 20, blocked: [blockedIn('nanosleep', 19)] }),
    says: [/^not one reply came to its end/m],
  },
  {
    culprit: 'accept.queue-overflow',
    name: 'a process that never woke to accept, and nobody who drove it',
    run: () =>
      asleep(quietRun().undriven())
        .host({ listenOverflows: 20 })
        .observation({ listeners: [overflown()] }),
    says: [/the loop never woke to take those that waited/, /see why it does not accept/],
  },
  {
    culprit: 'unexplained',
    name: 'a server that speaks another protocol, and whose loops are late besides',
    run: () =>
      quietRun()
        .counts({ ok: 0, error: 20_000 })
        .stalls(60, { wallMs: 50, blocked: [blockedIn('nanosleep', 49)] })
        .load({ errorsByKind: { 'not HTTP': 20_000 }, firstTexts: { 'not HTTP': '220 ready' } }),
    says: [
      /^100 % of requests failed, mostly so: not HTTP$/m,
      /not HTTP \(“220 ready”\)/,
      /is this the right port/,
    ],
  },
  {
    culprit: 'unexplained',
    name: 'a server that answers most requests with an error, on time',
    run: () =>
      quietRun()
        .counts({ ok: 5_000, wrong: 15_000 })
        .load({ statusCounts: { 200: 5_000, 503: 15_000 } }),
    says: [/^75 % of requests failed, mostly so: status 503$/m],
  },
  {
    culprit: 'client.saturated',
    name: 'a client that was stopped for two seconds',
    run: () =>
      starved({}).load({
        waits: waits({ late: { ...NONE, clientAway: 10_000 }, longestAbsence: span(2, 4) }),
        outages: [],
      }),
    says: [
      /^the client did not run for 2\.00 s, from 2\.0 s on: these numbers describe it/m,
      /held the client up/,
    ],
  },
];

export const SERVER_LOOK_ALIKES: readonly LookAlike[] = [
  {
    not: 'server.gone',
    name: 'one restart of a few ms in ten seconds is told beside',
    run: () => quietRun().load({ outages: [outage(2, 2.005)] }),
    instead: 'healthy',
  },
  {
    not: 'server.gone',
    name: 'a worker that ended, and others that go on',
    run: () =>
      quietRun()
        .undriven()
        .observation({ exits: [{ pid: 100, atNs: 2e9 }] }),
    instead: 'healthy',
  },
  {
    not: 'server.silent',
    name: 'not one reply, from a loop that stood still for most of the run: that is why',
    run: () => mute(quietRun()).stalls(10, { wallMs: 900, blocked: [blockedIn('nanosleep', 890)] }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'unexplained',
    name: 'some pages that are not there: what was asked for is answered on time',
    run: () =>
      quietRun()
        .counts({ ok: 18_000, wrong: 2_000 })
        .load({ statusCounts: { 200: 18_000, 404: 2_000 } }),
    instead: 'healthy',
  },
  {
    not: 'server.endless',
    name: 'a loop that stood still in the middle of its replies: that is why',
    run: () => endless(quietRun()).stalls(10, { wallMs: 900, blocked: [blockedIn('nanosleep', 890)] }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'server.endless',
    name: 'most replies too late, and some in time',
    run: () =>
      quietRun()
        .counts({ ok: 5_000, timeout: 15_000 })
        .load({ bytesReceived: 1e8, waits: waits() })
        .unwatched(),
  },
  {
    not: 'server.silent',
    name: 'a server whose usual reply takes a second',
    run: () =>
      quietRun()
        .unwatched()
        .response([[1000, 20_000]])
        .load({ waits: waits({ longestSilence: span(2, 3) }) }),
  },
];
