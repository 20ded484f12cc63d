// Goal: no sentence of a check or a finding says what the run's own counters deny. Method: each claim that rests on a
// counter, with what must be true of the run for it; any run, and the planted ones; and the claims are all made somewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import type { LoadRecord, WaitCounts } from '../record/load.ts';
import type { Run } from '../record/run.ts';
import { diagnose } from './diagnose.ts';
import type { Diagnosis } from './finding.ts';
import { hindrancesOf } from './hindrances.ts';
import { arbitraryRun } from './testing/arbitrary-run.ts';
import { LOOK_ALIKES } from './testing/look-alikes.ts';
import { PLANTED } from './testing/planted.ts';
import { quietRun } from './testing/run-builder.ts';
import { span, waits } from './testing/server-cases.ts';

type Claim = [says: RegExp, needs: (load: LoadRecord, run: Run) => boolean];

function waited({ waits: record }: LoadRecord, reason: keyof WaitCounts): boolean {
  return record !== undefined && (record.late[reason] ?? 0) + (record.unsent[reason] ?? 0) > 0;
}

/** The most under way at once reached the limit, or requests are known to have waited for it. */
function allTaken(load: LoadRecord): boolean {
  const { inFlight, plan } = load;
  const limit = Math.max(inFlight.limit, plan.connectionCount * (plan.pipelineDepth ?? 1));
  return inFlight.max >= limit || waited(load, 'allTaken');
}

function overflowed({ network }: LoadRecord, { observation }: Run): boolean {
  const { listenOverflows = 0, listenDrops = 0, requestQueueFullDrops = 0 } = network ?? {};
  const hosts = observation?.host ?? [];
  const rose = hosts.some((sample, i) => {
    const before = hosts[i - 1];
    if (!before) return false;
    return (
      (sample.listenOverflows ?? 0) > (before.listenOverflows ?? 0) ||
      (sample.listenDrops ?? 0) > (before.listenDrops ?? 0)
    );
  });
  return (listenOverflows ?? 0) > 0 || (listenDrops ?? 0) > 0 || (requestQueueFullDrops ?? 0) > 0 || rose;
}

const CLAIMS: readonly Claim[] = [
  [
    /as when a connect is tried again/,
    (load, run) => {
      const { network } = load;
      if (!network) return true;
      return network.synRetransmits !== 0 || network.retransSegs !== 0 || overflowed(load, run);
    },
  ],
  [/listen queues overflowed/, overflowed],
  [/connections? (was|were) taken at times|connections ran out|cannot carry the planned rate/, allTaken],
  [/no connection was open at times|had no connection open/, (load) => waited(load, 'noConnection')],
  [/the client did not run|waited for the client to run/, (load) => waited(load, 'clientAway')],
  [
    /waited for their client’s one before/,
    (load) => waited(load, 'predecessor') || (load.replay?.clients.waitedCount ?? 0) > 0,
  ],
  [
    /the machine was suspended|waited for a suspended machine/,
    (load) => waited(load, 'suspended') || (load.waits?.suspendedNs ?? 0) > 0,
  ],
  [
    /its sends were late for it/,
    (load) => {
      const { main } = hindrancesOf(load, null);
      return main === null || main === 'clientAway';
    },
  ],
  [/the server (went|was) away/, ({ outages = [] }) => outages.length > 0],
  [/nothing came from the server/, (load) => Boolean(load.waits?.longestSilence)],
  [
    /not one reply came:/,
    ({ counts, bytesReceived }) => counts.ok + counts.wrong === 0 && bytesReceived === 0,
  ],
  [
    /not one reply came to its end|and no whole reply/,
    ({ counts, bytesReceived, connections }) =>
      counts.ok + counts.wrong + connections.lateReplies === 0 && bytesReceived > 0,
  ],
  [/it ended connections/, ({ connections }) => connections.closedByPeer > 0],
  [/something came from it/, ({ bytesReceived }) => bytesReceived > 0],
  [/sends what no request asked for/, ({ connections }) => (connections.unasked ?? 0) > 0],
  [/found no free port/, ({ supply }) => (supply?.failedByErrno.EADDRNOTAVAIL ?? 0) > 0],
  [/every reply was as asked/, ({ counts }) => counts.wrong + counts.error + counts.timeout === 0],
  [/the hypervisor took .* from \d+ CPUs/, ({ client }) => (client.stealNs ?? 0) > 0],
  [/the server closes them/, ({ supply }) => (supply?.turnedAway ?? 0) > 0],
];

function sentencesOf(diagnosis: Diagnosis): string[] {
  const findings = [diagnosis.verdict, ...diagnosis.contributors];
  return [
    ...diagnosis.self.checks.map(({ text }) => text),
    ...findings.flatMap((finding) => [finding.headline, ...finding.evidence.map(({ text }) => text)]),
    ...diagnosis.suspectsCleared.map(({ why }) => why),
  ];
}

/** The claims that the diagnosis of a run makes. Throws at one that the run denies. */
function claimsOf(run: Run): Set<Claim> {
  const made = new Set<Claim>();
  const diagnosis = diagnose(run);
  for (const sentence of sentencesOf(diagnosis)) {
    for (const claim of CLAIMS) {
      if (!claim[0].test(sentence)) continue;
      made.add(claim);
      assert.ok(run.load && claim[1](run.load, run), `${sentence}\nis denied by ${JSON.stringify(run.load)}`);
    }
  }
  for (const { verdict, text } of diagnosis.self.checks) {
    // What is doubted has happened at least once.
    if (verdict === 'WARN' || verdict === 'VOID') assert.doesNotMatch(text, /(^|\W)0 times/);
  }
  return made;
}

test('any run: what is said is what was counted', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      claimsOf(run);
    }),
    { numRuns: runs(300) },
  );
});

const NONE = { allTaken: 0, noConnection: 0, clientAway: 0, suspended: 0 };

test('planted faults and look-alikes, and each reason for lateness, whether the pool was dry or not', () => {
  for (const { run } of [...PLANTED, ...LOOK_ALIKES]) claimsOf(run().run);
  for (const reason of Object.keys(NONE) as (keyof WaitCounts)[]) {
    for (const max of [1, 50]) {
      for (const unsent of [0, 10_000]) {
        const late = { ...NONE, [reason]: 5_000 };
        const { run } = quietRun()
          .unwatched()
          .lateness([
            [0.01, 15_000],
            [900, 5_000],
          ])
          .counts({ planned: 20_000 + unsent, ok: 20_000, unsent })
          .load({
            waits: waits({ late, longestAbsence: span(1, 2) }),
            inFlight: { mean: 1, max, limit: 50 },
          });
        const checks = diagnose(run).self.checks.map(({ verdict, text }) => `${verdict} ${text}`);
        claimsOf(run);
        const isClients = reason === 'clientAway' || reason === 'suspended';
        const lateness = checks.find((text) => text.includes('sends were'))!;
        assert.match(lateness, isClients ? /^VOID/ : /^WARN/);
      }
    }
  }
});
