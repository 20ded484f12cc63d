/** Servers that go away, or stand still: cases of rules.test.ts. */
import { NS_PER_S } from '../../base/units.ts';
import type { OutageRecord, WaitRecord } from '../../record/load.ts';
import type { LookAlike, Planted } from './case.ts';
import { quietRun, type RunBuilder } from './run-builder.ts';

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
    name: 'a server whose usual reply takes a second',
    run: () =>
      quietRun()
        .unwatched()
        .response([[1000, 20_000]])
        .load({ waits: waits({ longestSilence: span(2, 3) }) }),
  },
];
