// Goal: each self-check passes, warns and voids where it should. Method: a quiet run with one thing wrong.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diagnose } from './diagnose.ts';
import type { SelfVerdict } from './finding.ts';
import { CHECKS } from './self/registry.ts';
import { supportedQuantiles } from './self/sample-size.ts';
import { demandBoth, TRIED_APART, TRIED_ON_REPLAYS } from './testing/demand-both.ts';
import {
  blockedIn,
  histogram,
  quietRun,
  type RunBuilder,
  SELF_PID,
  type Spread,
} from './testing/run-builder.ts';
import { assertSound } from './testing/sound.ts';

type Case = [
  name: string,
  check: string,
  run: () => RunBuilder,
  verdict: SelfVerdict,
  says?: RegExp,
  spoils?: string,
];

const late: Spread = [
  [0.01, 19_000],
  [5, 1_000],
];

function client(change: object, thread: object = {}): RunBuilder {
  const builder = quietRun();
  Object.assign(builder.run.load!.client, change);
  Object.assign(builder.run.load!.client.threads[0]!, thread);
  return builder;
}

function closed(): RunBuilder {
  const builder = quietRun();
  builder.run.load!.plan.arrival = 'closed';
  return builder;
}

function arrivals(
  arrival: 'constant' | 'poisson' | 'synced',
  idc10ms: number,
  planned: number | null,
): RunBuilder {
  const builder = quietRun();
  const load = builder.run.load!;
  load.plan.arrival = arrival;
  Object.assign(load.arrivals, { idc1ms: idc10ms, idc10ms, idc100ms: idc10ms });
  load.arrivals.planned = planned === null ? null : { idc1ms: planned, idc10ms: planned, idc100ms: planned };
  return builder;
}

function drifting(step: number): RunBuilder {
  const builder = quietRun();
  builder.run.load!.blocks.forEach((block, index) => {
    block.latency.response = histogram([[0.5 + index * step, 2000]]);
  });
  return builder;
}

/** Requests per second × service time, in flight. */
function inFlight(mean: number, serviceMs: number): RunBuilder {
  return quietRun()
    .response([[serviceMs, 20_000]])
    .load({ inFlight: { mean, max: 40, limit: 50 } });
}

const slowDisk = () =>
  quietRun().stalls(100, { wallMs: 40, blocked: [blockedIn('fsync', 39, { uninterruptible: true })] });

/** Loops that were kept waiting by a process called node. */
const behind = (pid: number) =>
  quietRun().stalls(60, { kind: 'wait', wallMs: 3, contended: [[pid, 'node', 2.9]] });

const CASES: Case[] = [
  ['the books balance', 'conservation', quietRun, 'PASS', /20\.0 k planned = 20\.0 k ok/],
  [
    'one request is missing',
    'conservation',
    () => quietRun().counts({ ok: 19_999 }),
    'VOID',
    /leaves 1;/,
    'response',
  ],
  ['a whole run', 'completeness', quietRun, 'PASS'],
  [
    'the target vanished',
    'completeness',
    () => quietRun().load({ stoppedEarly: 'target vanished' }),
    'WARN',
    /target vanished/,
  ],
  [
    'a worker died',
    'completeness',
    () => quietRun().observation({ exits: [{ pid: 101, atNs: 1 }] }),
    'WARN',
    /pid 101/,
  ],
  ['all replies as asked', 'outcomes', quietRun, 'PASS'],
  [
    'pages not found',
    'outcomes',
    () =>
      quietRun()
        .counts({ ok: 18_000, wrong: 2_000 })
        .load({
          statusCounts: { '200': 18_000, '404': 2_000 },
          firstTexts: { 'status 404': 'no such page' },
        }),
    'WARN',
    /2000 with status 404 \(“no such page”\)/,
  ],
  ['the rate was held', 'rate-held', quietRun, 'PASS'],
  ['closed loop has no rate', 'rate-held', closed, 'SKIP'],
  [
    'connections ran out and nobody was watching',
    'rate-held',
    () => quietRun().counts({ ok: 15_000, unsent: 5_000 }).unwatched(),
    'VOID',
    /closed loop in disguise/,
    'service',
  ],
  [
    'requests that nobody sent, in seconds without one that was',
    'rate-held',
    () => {
      const builder = quietRun().unwatched().counts({ ok: 0, unsent: 20_000 });
      const { blocks } = builder.run.load!;
      for (const block of blocks)
        Object.assign(block.latency, { lateness: histogram([]), response: histogram([]) });
      for (const block of blocks) Object.assign(block.counts, { ok: 0, sent: 0, unsent: 0 });
      Object.assign(blocks.at(-1)!.counts, { unsent: 20_000 });
      return builder;
    },
    'VOID',
    /(\d+) of \1 seconds were closed loop/,
    'service',
  ],
  [
    'the watched server held the rate down',
    'rate-held',
    () =>
      quietRun()
        .counts({ ok: 15_000, unsent: 5_000 })
        .response([[40, 15_000]])
        .stalls(100, { wallMs: 40, blocked: [blockedIn('fsync', 39, { uninterruptible: true })] }),
    'WARN',
    /watched server/,
  ],
  ['sends on time', 'lateness', quietRun, 'PASS'],
  [
    'late by 0.1 ms of 0.3 is below the floor',
    'lateness',
    () => quietRun().lateness([[0.1, 20_000]]),
    'PASS',
  ],
  [
    'late by 1 ms of 3',
    'lateness',
    () =>
      quietRun()
        .lateness([[1, 20_000]])
        .response([[3, 20_000]]),
    'WARN',
    /1\.00 ms late at p99, 33 %/,
  ],
  [
    'late by 5 ms of 6',
    'lateness',
    () =>
      quietRun()
        .lateness(late)
        .response([[6, 20_000]]),
    'VOID',
    /83 %/,
    'response',
  ],
  [
    'late because connections ran out',
    'lateness',
    () =>
      quietRun()
        .lateness(late)
        .response([[6, 20_000]])
        .load({ inFlight: { mean: 20, max: 50, limit: 50 } }),
    'WARN',
    /all of 50 connections were taken/,
  ],
  ['Poisson as asked', 'arrival-shape', quietRun, 'PASS'],
  [
    'Poisson, but bursty',
    'arrival-shape',
    () => arrivals('poisson', 2.5, 1),
    'WARN',
    /2\.50, asked for 1\.00/,
  ],
  [
    'Poisson, far too bursty',
    'arrival-shape',
    () => arrivals('poisson', 40, 1),
    'VOID',
    /bursts/,
    'response',
  ],
  ['Poisson, yet too even', 'arrival-shape', () => arrivals('poisson', 0.3, 1), 'WARN'],
  ['the schedule’s own chance counts', 'arrival-shape', () => arrivals('poisson', 1.35, 1.3), 'PASS'],
  ['constant as asked', 'arrival-shape', () => arrivals('constant', 0.15, null), 'PASS'],
  ['constant, yet random', 'arrival-shape', () => arrivals('constant', 0.9, null), 'WARN'],
  ['lock-step as asked', 'arrival-shape', () => arrivals('synced', 24, 26), 'PASS'],
  ['lock-step asked for, none got', 'arrival-shape', () => arrivals('synced', 2, 26), 'WARN'],
  [
    'too few arrivals to judge',
    'arrival-shape',
    () => {
      const builder = arrivals('poisson', 40, 1);
      builder.run.load!.arrivals.sentCount = 100;
      return builder;
    },
    'SKIP',
  ],
  [
    'bursty because connections ran out',
    'arrival-shape',
    () => arrivals('poisson', 40, 1).load({ inFlight: { mean: 20, max: 50, limit: 50 } }),
    'WARN',
    /disguise/,
  ],
  ['CPU to spare', 'client-cpu', quietRun, 'PASS', /10 % of a CPU/],
  ['spinning is not counted', 'client-cpu', () => client({}, { userNs: 9.5e9, spinNs: 9e9 }), 'PASS'],
  ['busy, but on time', 'client-cpu', () => client({}, { userNs: 9e9, spinNs: 0 }), 'WARN', /more threads/],
  [
    'busy, and behind',
    'client-cpu',
    () => client({}, { userNs: 9e9, spinNs: 0 }).counts({ ok: 15_000, unsent: 5_000 }),
    'VOID',
    /bottleneck/,
    'lateness',
  ],
  [
    'busy in closed loop is by design',
    'client-cpu',
    () => {
      const builder = client({}, { userNs: 9e9, spinNs: 0 });
      builder.run.load!.plan.arrival = 'closed';
      return builder;
    },
    'WARN',
  ],
  ['no waiting for a CPU', 'client-run-queue', quietRun, 'PASS'],
  ['some waiting', 'client-run-queue', () => client({}, { runDelayNs: 1e9 }), 'WARN', /10 %/],
  ['much waiting, yet on time', 'client-run-queue', () => client({}, { runDelayNs: 3e9 }), 'WARN'],
  [
    'much waiting, and late',
    'client-run-queue',
    () => client({}, { runDelayNs: 3e9 }).lateness(late),
    'VOID',
    /late for it/,
  ],
  ['no quota', 'client-throttled', quietRun, 'PASS', /no CPU quota/],
  ['a quota that bit a little', 'client-throttled', () => client({ throttledNs: 2e8 }), 'WARN'],
  [
    'a quota that bit',
    'client-throttled',
    () => client({ throttledNs: 5e9 }),
    'VOID',
    /5\.00 s, in a run of 10\.0 s/,
    'service',
  ],
  ['timers fine enough', 'clock-resolution', quietRun, 'PASS'],
  [
    'timers too coarse, no spinning',
    'clock-resolution',
    () => client({}, { spinNs: 0 }),
    'WARN',
    /oversleep 60\.0 µs/,
  ],
  [
    'a slow clock source',
    'clock-resolution',
    () => {
      const builder = quietRun();
      builder.run.header.environment.clockSource = 'hpet';
      return builder;
    },
    'WARN',
    /hpet/,
  ],
  ['enough samples', 'sample-size', quietRun, 'PASS', /up to p99\.9\b/],
  ['500 requests carry no p99', 'sample-size', () => quietRun().response([[1, 500]]), 'WARN', /up to p90/],
  [
    '10 requests carry no quantile, and are not wrong for it',
    'sample-size',
    () => quietRun().response([[1, 10]]),
    'WARN',
    /^10 requests, too few for any quantile \(a median needs 20\): 1\.00 ms on average, 1\.00 ms at most$/,
  ],
  ['no drift', 'stationarity', quietRun, 'PASS'],
  ['response times that grow', 'stationarity', () => drifting(0.1), 'WARN', /rose by/],
  ['a drift of 2 %', 'stationarity', () => drifting(0.001), 'PASS'],
  ['too short to tell', 'stationarity', () => quietRun().load({ blocks: [] }), 'SKIP'],
  ['in-flight agrees', 'littles-law', () => inFlight(4.02, 2), 'PASS', /gives 4\.00/],
  ['in-flight is off by 10 %', 'littles-law', () => inFlight(4.4, 2), 'WARN'],
  ['too few in flight', 'littles-law', quietRun, 'SKIP'],
  ['cheap', 'observer-cost', quietRun, 'PASS'],
  [
    'dear',
    'observer-cost',
    () => {
      const builder = quietRun();
      builder.run.observation!.cost.ownCpuNs = 1e9;
      return builder;
    },
    'WARN',
    /10 % by the observer itself/,
  ],
  ['nothing lost', 'observer-losses', quietRun, 'PASS'],
  [
    'events dropped',
    'observer-losses',
    () =>
      quietRun().observation({
        losses: { ringBufferDrops: 7, mapFullDrops: 0, stallsNotKept: 2, decodeErrors: 0 },
      }),
    'WARN',
    /7 events found the ring buffer full; 2 stalls/,
  ],
  ['not in the way', 'interference', quietRun, 'PASS'],
  [
    'in the way',
    'interference',
    () => quietRun().stalls(60, { kind: 'wait', wallMs: 3, contended: [[SELF_PID, 'node', 2.9]] }),
    'WARN',
    /1\.7 % of its time/,
  ],
  ['a quiet host', 'host-noise', quietRun, 'PASS'],
  [
    'a noisy host, below a verdict',
    'host-noise',
    () => quietRun().stalls(30, { kind: 'wait', wallMs: 5, contended: [[77, 'cron', 4.8]] }),
    'WARN',
    /cron \(pid 77\)/,
  ],
  [
    'failed requests are in the books too',
    'conservation',
    () => quietRun().counts({ ok: 19_000, error: 1_000 }),
    'PASS',
  ],
  ['slow, and yet whole', 'completeness', slowDisk, 'PASS'],
  [
    'one wrong reply of twenty thousand',
    'outcomes',
    () => quietRun().counts({ ok: 19_999, wrong: 1 }),
    'PASS',
  ],
  ['the server waited for a CPU, not the client', 'client-run-queue', () => behind(77), 'PASS'],
  ['busy without a quota', 'client-throttled', () => client({}, { userNs: 9e9, spinNs: 0 }), 'PASS'],
  [
    'replies so fast that a timer would be too coarse, and spinning',
    'clock-resolution',
    () => client({ timerOversleepNsP50: 60_000 }).lateness([[0.001, 20_000]]),
    'PASS',
  ],
  ['slow replies, enough of them', 'sample-size', () => quietRun().response([[40, 20_000]]), 'PASS'],
  [
    'a dear client and a cheap observer',
    'observer-cost',
    () => client({}, { userNs: 9e9, spinNs: 0 }),
    'PASS',
  ],
  ['many stalls, all of them kept', 'observer-losses', slowDisk, 'PASS'],
  ['another program of the same name in the way', 'interference', () => behind(77), 'PASS'],
  ['a slow disk is not a noisy host', 'host-noise', slowDisk, 'PASS'],
];

describe('self-checks', () => {
  for (const [name, check, run, verdict, says, spoils] of CASES) {
    test(`${check}: ${name} → ${verdict}`, () => {
      const diagnosis = diagnose(run().run);
      const result = diagnosis.self.checks.find((candidate) => candidate.name === check);
      assert.ok(result, `no check ${check}`);
      assert.equal(result.verdict, verdict, result.text);
      if (says) assert.match(result.text, says);
      assert.equal(result.spoils.length > 0, verdict === 'VOID');
      if (spoils)
        assert.ok(
          result.spoils.some((percentile) => percentile === spoils),
          result.spoils.join(),
        );
      assertSound(diagnosis);
    });
  }
});

test('without load only the observer judges itself, and the other way round', () => {
  const names = (run: RunBuilder) => diagnose(run.run).self.checks.map((check) => check.name);
  assert.deepEqual(names(quietRun().undriven()), [
    'completeness',
    'observer-cost',
    'observer-losses',
    'interference',
    'host-noise',
  ]);
  assert.ok(!names(quietRun().unwatched()).includes('host-noise'));
});

test('the whole is as bad as its worst part', () => {
  assert.equal(diagnose(quietRun().run).self.verdict, 'PASS');
  assert.equal(diagnose(drifting(0.1).run).self.verdict, 'WARN');
  assert.equal(diagnose(drifting(0.1).counts({ ok: 1 }).run).self.verdict, 'VOID');
});

test('a quantile needs ten samples beyond it', () => {
  assert.deepEqual(supportedQuantiles(19), []);
  assert.deepEqual(supportedQuantiles(20), [0.5]);
  assert.deepEqual(supportedQuantiles(1_000), [0.5, 0.9, 0.99]);
  assert.deepEqual(supportedQuantiles(100_000), [0.5, 0.9, 0.99, 0.999, 0.9999]);
});

test('every other check has a run with its fault and a look-alike', () => {
  const checks = CHECKS.map((check) => check.name).filter(
    (name) => !TRIED_APART.includes(name) && !TRIED_ON_REPLAYS.includes(name),
  );
  demandBoth(
    checks,
    CASES.map(([, check, run, verdict]) => ({ check, verdict, builder: run() })),
  );
});
