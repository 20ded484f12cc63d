// Goal: each check that looks at time series and distributions finds its fault, and not the fault's look-alike. Method:
// a quiet run with one thing planted, mostly from seeded samples.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrng, type Prng } from '../../base/prng.ts';
import { createHistogram, recordNs } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';
import type { LoadRecord, NetworkRecord } from '../../record/load.ts';
import { diagnose } from '../diagnose.ts';
import type { SelfCheck, SelfVerdict } from '../finding.ts';
import { demandBoth, TRIED_APART, type TriedCheck } from '../testing/demand-both.ts';
import { histogram, quietRun, type RunBuilder, type Spread } from '../testing/run-builder.ts';
import { assertSound } from '../testing/sound.ts';

function checkOf(builder: RunBuilder, name: string): SelfCheck {
  const diagnosis = diagnose(builder.run);
  assertSound(diagnosis);
  const found = diagnosis.self.checks.find((check) => check.name === name);
  assert.ok(found, `no check ${name}`);
  return found;
}

const tried: TriedCheck[] = [];

function expect(builder: RunBuilder, name: string, verdict: SelfVerdict, says?: RegExp): SelfCheck {
  tried.push({ check: name, verdict, builder });
  const check = checkOf(builder, name);
  assert.equal(check.verdict, verdict, check.text);
  if (says) assert.match(check.text, says);
  return check;
}

function changed(change: (load: LoadRecord, builder: RunBuilder) => void): RunBuilder {
  const builder = quietRun();
  change(builder.run.load!, builder);
  return builder;
}

function encoded(valuesNs: Iterable<number>): string {
  const all = createHistogram();
  for (const value of valuesNs) recordNs(all, value);
  return encodeHistogram(all);
}

/** A run whose seconds have their own response times; the whole is their sum. */
function bySecond(spreadOf: (second: number) => Spread, seconds = 10): RunBuilder {
  return changed((load) => {
    const spreads = Array.from({ length: seconds }, (_, second) => spreadOf(second));
    const first = load.blocks[0]!;
    load.blocks = spreads.map((spread, second) => ({
      ...first,
      startNs: second * 1e9,
      latency: { ...first.latency, response: histogram(spread), service: histogram(spread) },
    }));
    load.total.response = histogram(spreads.flat());
    load.total.service = load.total.response;
    load.endNs = seconds * 1e9;
  });
}

describe('three-clocks', () => {
  test('times that add up', () => {
    expect(quietRun(), 'three-clocks', 'PASS', /it should be/);
  });

  test('response times that somebody filled in', () => {
    const builder = changed((load) => {
      load.total.response = histogram([
        [0.2, 10_000],
        [250, 10_000],
      ]);
    });
    const check = expect(builder, 'three-clocks', 'VOID', /please report/);
    assert.deepEqual(check.spoils, ['response', 'service', 'lateness']);
  });

  test('unanswered requests have other times: nothing to compare', () => {
    const builder = changed((load) => {
      load.total.response = histogram([[250, 100]]);
      load.total.service = histogram([[250, 100]]);
    });
    expect(builder, 'three-clocks', 'SKIP');
  });

  test('a request that is done before it was sent', () => {
    const outcome = { plannedNs: 5, sentNs: 9, firstByteNs: null, doneNs: 8, kind: 'ok' as const };
    expect(quietRun().load({ slowest: [outcome] }), 'three-clocks', 'VOID', /backwards/);
    const sound = { ...outcome, doneNs: 10 };
    expect(quietRun().load({ slowest: [sound] }), 'three-clocks', 'PASS');
  });
});

describe('rate-held, second by second', () => {
  /** Sends of one second are put off to a later one; nothing is lost. */
  function putOff(from: number, to: number, count: number): RunBuilder {
    return changed((load) => {
      load.blocks[from]!.latency.lateness = histogram([[0.005, 2000 - count]]);
      load.blocks[to]!.latency.lateness = histogram([
        [0.005, 2000],
        [900, count],
      ]);
    });
  }

  test('one second of closed loop: told, and the service tail withheld', () => {
    const check = expect(
      putOff(3, 4, 400),
      'rate-held',
      'WARN',
      /1 of 10 seconds was closed loop \(at 3 s\)/,
    );
    assert.deepEqual(check.spoils, ['service']);
    assert.ok(Math.abs(check.spoilsFrom! - 0.9) < 1e-9);
  });

  test('a backlog that stays is closed loop until it is gone', () => {
    const check = expect(putOff(2, 6, 300), 'rate-held', 'WARN', /4 of 10 seconds/);
    assert.ok(Math.abs(check.spoilsFrom! - 0.6) < 1e-9);
  });

  test('requests given up are not achieved either', () => {
    const builder = putOff(3, 4, 0);
    builder.run.load!.blocks[3]!.counts = { ...builder.run.load!.blocks[3]!.counts, unsent: 100 };
    builder.run.load!.blocks[3]!.latency.lateness = histogram([[0.005, 1900]]);
    expect(builder, 'rate-held', 'WARN', /1 of 10/);
  });

  test('look-alike: a server that stalls while connections last, and all is sent on time', () => {
    const builder = bySecond((second) => (second === 4 ? [[500, 2000]] : [[0.3, 2000]]));
    const check = expect(builder, 'rate-held', 'PASS');
    assert.equal(check.spoilsFrom, undefined);
  });

  test('look-alike: the requests of one turn, still in hand when the second ends', () => {
    expect(putOff(3, 4, 8), 'rate-held', 'PASS');
  });
});

describe('arrival-shape at other scales', () => {
  test('bursts of a millisecond only', () => {
    const builder = changed((load) => {
      load.arrivals.idc1ms = 3;
    });
    expect(builder, 'arrival-shape', 'WARN', /at 1 ms: 3\.00/);
  });

  test('slow waves only', () => {
    const builder = changed((load) => {
      load.arrivals.idc100ms = 4;
    });
    expect(builder, 'arrival-shape', 'WARN', /at 100 ms: 4\.00/);
  });

  test('look-alike: waves that the schedule has itself', () => {
    const builder = changed((load) => {
      load.plan.arrival = 'onoff';
      load.arrivals.idc100ms = 40;
      load.arrivals.planned = { idc1ms: 1, idc10ms: 1, idc100ms: 39 };
    });
    expect(builder, 'arrival-shape', 'PASS');
  });

  test('an arrival without a schedule to compare with', () => {
    const builder = changed((load) => {
      load.plan.arrival = 'gamma';
      load.arrivals.planned = null;
    });
    expect(builder, 'arrival-shape', 'SKIP');
  });
});

describe('arrival-gaps', () => {
  function gaps(arrival: string, make: (prng: Prng) => number, lag1: number | null = 0): RunBuilder {
    const prng = createPrng(7);
    return changed((load) => {
      load.plan.arrival = arrival;
      const values = Array.from({ length: 20_000 }, () => make(prng));
      load.arrivals.gaps = { histogram: encoded(values), lag1 };
    });
  }
  const exponential = (prng: Prng) => prng.exponential(500e3);

  test('not recorded is not seen', () => {
    expect(quietRun(), 'arrival-gaps', 'SKIP', /not seen/);
  });

  test('exponential gaps pass as Poisson, also when each is a little late', () => {
    expect(gaps('poisson', exponential), 'arrival-gaps', 'PASS', /Anderson–Darling/);
    expect(
      gaps('poisson', (prng) => exponential(prng) + prng.exponential(20e3)),
      'arrival-gaps',
      'PASS',
    );
  });

  test('a timer of 1 ms, pairs, and constant gaps do not', () => {
    const ticks = gaps('poisson', (prng) => Math.round(exponential(prng) / 1e6) * 1e6);
    expect(ticks, 'arrival-gaps', 'WARN', /otherwise than asked/);
    const pairs = gaps('poisson', (prng) => (prng.next() < 0.4 ? 2e3 : prng.exponential(830e3)));
    expect(pairs, 'arrival-gaps', 'WARN');
    expect(
      gaps('poisson', () => 500e3),
      'arrival-gaps',
      'WARN',
    );
  });

  test('gaps that depend on the one before', () => {
    expect(gaps('poisson', exponential, 0.3), 'arrival-gaps', 'WARN', /independent users/);
    expect(gaps('poisson', exponential, 0.04), 'arrival-gaps', 'PASS');
    expect(gaps('poisson', exponential, null), 'arrival-gaps', 'PASS');
  });

  test('constant gaps pass as constant; a fifth of a gap of jitter too; random ones do not', () => {
    expect(
      gaps('constant', () => 500e3),
      'arrival-gaps',
      'PASS',
    );
    expect(
      gaps('constant', (prng) => 450e3 + prng.next() * 100e3),
      'arrival-gaps',
      'PASS',
    );
    expect(gaps('constant', exponential), 'arrival-gaps', 'WARN', /standard deviation/);
  });

  test('gaps finer than a wake-up, and other arrivals, are not judged', () => {
    expect(
      gaps('poisson', (prng) => prng.exponential(20e3)),
      'arrival-gaps',
      'SKIP',
      /finer/,
    );
    expect(gaps('gamma', exponential), 'arrival-gaps', 'SKIP');
  });

  test('a rate that is meant to change makes gaps that fit no single one', () => {
    const builder = gaps('poisson', exponential);
    builder.run.load!.blocks.forEach((block, second) => {
      block.counts = { ...block.counts, planned: 500 + 300 * second };
    });
    expect(builder, 'arrival-gaps', 'SKIP', /rate changes/);
  });
});

describe('synchronisation', () => {
  const MS = 8192;
  function counts(times: number[]): number[] {
    const bins = new Array<number>(MS).fill(0);
    for (const at of times) if (at < MS) bins[Math.floor(at)]!++;
    return bins;
  }
  const prng = createPrng(3);
  const due: number[] = [];
  for (let at = 0; at < MS; at += prng.exponential(0.5)) due.push(at);
  const sentAt = (move: (at: number) => number) =>
    changed((load) => {
      load.arrivals.counts1ms = { sent: counts(due.map(move)), planned: counts(due) };
    });

  test('sent as due, or a little late', () => {
    expect(
      sentAt((at) => at),
      'synchronisation',
      'PASS',
      /no rhythm/,
    );
    expect(
      sentAt((at) => at + prng.exponential(0.3)),
      'synchronisation',
      'PASS',
    );
  });

  test('held back to a timer of 10 ms', () => {
    const check = expect(
      sentAt((at) => Math.ceil(at / 10) * 10),
      'synchronisation',
      'WARN',
      /in step, every/,
    );
    assert.ok(check.value! > 0.5);
  });

  test('look-alikes: one pause with the burst after it; lock-step that was asked for', () => {
    expect(
      sentAt((at) => (at > 4000 && at < 4150 ? 4150 : at)),
      'synchronisation',
      'PASS',
    );
    const asked = sentAt((at) => Math.ceil(at / 10) * 10);
    asked.run.load!.plan.arrival = 'synced';
    expect(asked, 'synchronisation', 'SKIP');
  });

  test('without the counts, by short gaps', () => {
    expect(quietRun(), 'synchronisation', 'PASS', /below 150 µs/);
    const clumped = changed((load) => {
      load.arrivals.shortGapShare = 0.9;
    });
    expect(clumped, 'synchronisation', 'WARN', /clumps/);
    const constant = changed((load) => {
      load.plan.arrival = 'constant';
      load.arrivals.meanRatePerSec = 20_000;
      load.arrivals.shortGapShare = 1;
    });
    expect(constant, 'synchronisation', 'PASS');
    const gamma = changed((load) => {
      load.plan.arrival = 'gamma';
    });
    expect(gamma, 'synchronisation', 'SKIP', /not seen/);
  });
});

describe('lateness', () => {
  /** One send in twenty late by 6 ms, of so many; a reply takes 1 ms. */
  const late = (count: number) =>
    changed((load) => {
      load.total.lateness = histogram([
        [0.005, count * 0.95],
        [6, count * 0.05],
      ]);
      load.total.response = histogram([
        [1, count * 0.95],
        [7, count * 0.05],
      ]);
    });

  test('at p99, where so many requests carry it', () => {
    expect(late(2000), 'lateness', 'VOID', /6\.\d+ ms late at p99, 8\d % of the p99/);
  });

  test('look-alike: requests of a log that waited for their client’s one before', () => {
    const builder = late(2000);
    const none = { allTaken: 0, noConnection: 0, clientAway: 0, suspended: 0, predecessor: 0 };
    builder.run.load!.waits = {
      late: { ...none, clientAway: 1, predecessor: 99 },
      unsent: none,
      longestAbsence: null,
      longestSilence: null,
      suspendedNs: 0,
    };
    expect(
      builder,
      'lateness',
      'WARN',
      /99 waited for their client’s one before, 1 waited for the client to run/,
    );
  });

  test('five late sends of a hundred make no p99: judged at p90', () => {
    expect(late(100), 'lateness', 'PASS', /µs late at p90, .* of the p90 response time/);
  });

  test('fewer than twenty are not judged', () => {
    expect(late(19), 'lateness', 'SKIP', /too few/);
  });
});

describe('client-queueing', () => {
  const turns = (spread: Spread, arrival = 'poisson') =>
    changed((load) => {
      load.plan.arrival = arrival;
      load.client.threads[0]!.turns = histogram(spread);
    });

  test('not recorded is not seen', () => {
    expect(quietRun(), 'client-queueing', 'SKIP', /not seen/);
  });

  test('short turns', () => {
    expect(turns([[0.02, 20_000]]), 'client-queueing', 'PASS', /19\.8 µs in the client at p99/);
  });

  test('turns as long as the p99', () => {
    const check = expect(turns([[0.6, 20_000]]), 'client-queueing', 'WARN');
    assert.ok(check.value! > 0.9);
  });

  test('turns of 40 ms void an open loop, and only warn in a closed one', () => {
    expect(turns([[40, 20_000]]), 'client-queueing', 'VOID');
    expect(turns([[40, 20_000]], 'closed'), 'client-queueing', 'WARN');
  });

  test('ten replies tell nothing of waiting', () => {
    const builder = turns([[40, 10]]);
    builder.run.load!.total.response = histogram([[0.3, 10]]);
    expect(builder, 'client-queueing', 'SKIP', /too few/);
  });

  test('look-alike: one long turn among many short ones is not the p99', () => {
    const builder = turns([
      [0.02, 19_950],
      [40, 50],
    ]);
    expect(builder, 'client-queueing', 'PASS');
  });
});

describe('client-pauses', () => {
  test('a little garbage collection, too much, and steal', () => {
    const client = (change: Partial<LoadRecord['client']>) =>
      changed((load) => {
        Object.assign(load.client, change);
      });
    expect(client({ gcPauseNs: 20e6 }), 'client-pauses', 'PASS', /20\.0 ms/);
    expect(client({ gcPauseNs: 200e6 }), 'client-pauses', 'WARN', /2 %/);
    expect(client({ stealNs: 500e6 }), 'client-pauses', 'WARN', /hypervisor took 500 ms from 2 CPUs/);
    expect(client({ stealNs: 50e6 }), 'client-pauses', 'PASS');
    const onlySteal = expect(client({ gcPauseNs: 0, stealNs: 500e6 }), 'client-pauses', 'WARN');
    assert.doesNotMatch(onlySteal.text, /garbage/);
    expect(client({ gcPauseNs: 0, stealNs: 0 }), 'client-pauses', 'PASS', /nothing stopped/);
    expect(client({ wallNs: 0 }), 'client-pauses', 'SKIP');
  });
});

describe('warm-up and drift', () => {
  const wobble = createPrng(4);
  const usual = (): Spread => [
    [0.2 + 0.01 * wobble.next(), 1900],
    [0.8 + 0.05 * wobble.next(), 100],
  ];
  const slow: Spread = [
    [0.9, 1000],
    [5, 1000],
  ];

  test('a run that begins as it goes on', () => {
    expect(bySecond(usual), 'warm-up', 'PASS', /begins as it goes on/);
  });

  test('two slow seconds at the beginning: told with both figures and what to type; no drift besides', () => {
    const builder = bySecond((second) => (second < 2 ? slow : usual()), 12);
    expect(builder, 'warm-up', 'WARN', /2 seconds more.*--warmup 2s/);
    expect(builder, 'stationarity', 'PASS');
  });

  test('look-alikes: a slow second in the middle, and a beginning that changes no figure', () => {
    expect(
      bySecond((second) => (second === 6 ? slow : usual()), 12),
      'warm-up',
      'PASS',
    );
    const faint = bySecond((second) => (second < 2 ? [[0.24, 2000]] : [[0.2 + second * 1e-4, 2000]]), 12);
    expect(faint, 'warm-up', 'PASS');
  });

  test('too short, and a rate that changes by plan', () => {
    expect(bySecond(usual, 4), 'warm-up', 'SKIP');
    const ramp = bySecond((second) => [[0.2 + second * 0.2, 2000]]);
    ramp.run.load!.blocks.forEach((block, second) => {
      block.counts = { ...block.counts, planned: 500 + 300 * second };
    });
    expect(ramp, 'warm-up', 'SKIP', /rate changes/);
    expect(ramp, 'stationarity', 'SKIP', /rate itself changes/);
  });
});

describe('sample-size', () => {
  test('independent requests count in full, with an interval', () => {
    expect(quietRun(), 'sample-size', 'PASS', /p99 .* \[.*\] at 95 %/);
  });

  test('slow requests that all came in one second tell less', () => {
    const builder = bySecond((second) =>
      second === 5
        ? [
            [0.2, 1000],
            [9, 1000],
          ]
        : [[0.2, 2000]],
    );
    const check = expect(builder, 'sample-size', 'WARN', /tell as much as/);
    assert.ok(check.value! < 500, String(check.value));
  });

  test('look-alike: as many slow requests, spread over all seconds', () => {
    const builder = bySecond(() => [
      [0.2, 1900],
      [9, 100],
    ]);
    expect(builder, 'sample-size', 'PASS');
  });
});

describe('threads-agree', () => {
  const two = (slowMs: number) =>
    changed((load) => {
      load.blocks = load.blocks.flatMap((block) => [
        { ...block, latency: { ...block.latency, response: histogram([[1, 1000]]) } },
        { ...block, threadIndex: 1, latency: { ...block.latency, response: histogram([[slowMs, 1000]]) } },
      ]);
    });

  test('one thread has nothing to agree with', () => {
    expect(quietRun(), 'threads-agree', 'SKIP', /0\.1 %/);
  });

  test('two that agree, two that do not, and a difference nobody feels', () => {
    expect(two(1.3), 'threads-agree', 'PASS', /1\.00 ms to 1\.30 ms/);
    expect(two(1.6), 'threads-agree', 'WARN', /thread 1 is slower/);
    const tiny = two(1);
    tiny.run.load!.blocks.forEach((block) => {
      block.latency.response = histogram([[block.threadIndex === 1 ? 0.04 : 0.02, 1000]]);
    });
    expect(tiny, 'threads-agree', 'PASS');
  });

  test('too few requests to compare', () => {
    const builder = two(5);
    builder.run.load!.blocks = builder.run.load!.blocks.slice(0, 1).concat({
      ...builder.run.load!.blocks[1]!,
      latency: { ...builder.run.load!.blocks[1]!.latency, response: histogram([[5, 20]]) },
    });
    expect(builder, 'threads-agree', 'SKIP');
  });
});

describe('censoring', () => {
  test('none, a few, and so many that the p99 is a lower bound', () => {
    expect(quietRun(), 'censoring', 'PASS', /measured to its end/);
    expect(quietRun().response([[1, 19_990]], [[2000, 10]]), 'censoring', 'PASS', /above p99\.95/);
    expect(quietRun().response([[1, 19_000]], [[2000, 1000]]), 'censoring', 'WARN', /above p95 say/);
  });
});

describe('network-queues and ephemeral-ports', () => {
  const network: NetworkRecord = {
    listenOverflows: 0,
    listenDrops: 0,
    requestQueueFullDrops: 0,
    synRetransmits: 0,
    retransSegs: 0,
    timeWaitSockets: 10,
    localPortCount: 28_232,
  };

  test('nothing counted, something counted, nothing seen', () => {
    expect(quietRun().load({ network }), 'network-queues', 'PASS', /^no listen queue overflowed$/);
    const full = { ...network, listenOverflows: 7, synRetransmits: 3 };
    expect(quietRun().load({ network: full }), 'network-queues', 'WARN', /7 times; 3 connects/);
    // Every overflow is counted as a drop too: seven, not fourteen.
    expect(quietRun().load({ network: { ...full, listenDrops: 7 } }), 'network-queues', 'WARN', / 7 times;/);
    expect(quietRun().unwatched(), 'network-queues', 'SKIP', /not seen/);
    const unix = changed((load) => {
      load.plan.transport = 'unix';
    });
    expect(unix, 'network-queues', 'SKIP');
  });

  test('the host’s own counters serve when a process was watched', () => {
    expect(quietRun().host({ listenOverflows: 4 }), 'network-queues', 'WARN', /overflowed 4 times/);
  });

  test('responses that pile up at the retry times', () => {
    const piled = bySecond((second) =>
      second === 5
        ? [
            [0.2, 1990],
            [1003, 10],
          ]
        : [[0.2, 2000]],
    );
    expect(piled, 'network-queues', 'WARN', /10 responses took about 1\.00 s/);
    // The network was looked at, and did nothing of the kind.
    expect(
      piled.load({ network }),
      'network-queues',
      'PASS',
      /took about 1\.00 s; no listen .* not the network’s/,
    );
    const repeated = { ...network, synRetransmits: 10 };
    expect(piled.load({ network: repeated }), 'network-queues', 'WARN', /as when a connect is tried again/);
  });

  test('look-alike: a stall of two seconds, whose times are spread evenly', () => {
    const spread: Spread = Array.from({ length: 200 }, (_, i) => [i * 10, 10] as const);
    expect(
      bySecond((second) => (second === 5 ? spread : [[0.2, 2000]])),
      'network-queues',
      'PASS',
    );
  });

  test('local ports', () => {
    expect(quietRun().load({ network }), 'ephemeral-ports', 'PASS', /50 of 28\.2 k/);
    // Sockets of others, and to other places, take no port of ours.
    const crowded = { ...network, timeWaitSockets: 42_000 };
    expect(quietRun().load({ network: crowded }), 'ephemeral-ports', 'PASS', /took 50 of 28\.2 k/);
    const none = changed((load) => {
      load.network = crowded;
      load.supply!.failedByErrno = { EADDRNOTAVAIL: 12 };
    });
    expect(none, 'ephemeral-ports', 'WARN', /12 connects found no free port .* 42\.0 k sockets/);
    const churned = changed((load) => {
      load.connections.opened = 25_000;
    });
    expect(churned, 'ephemeral-ports', 'WARN', /usual/);
    const long = changed((load) => {
      load.connections.opened = 25_000;
      load.endNs = 600e9;
    });
    expect(long, 'ephemeral-ports', 'PASS');
  });
});

describe('connections', () => {
  const all = { held: 50, turnedAway: 0, refusal: null, failedByErrno: {}, openFileLimit: 1024 };
  const held = (supply: Partial<LoadRecord['supply']>) =>
    quietRun().load({ supply: { ...all, held: 10, ...supply } });

  test('fewer than asked is told with why, and what to type', () => {
    const full = 'ERR max number of clients reached';
    const cases: [Partial<LoadRecord['supply']>, RegExp][] = [
      [
        { turnedAway: 99, refusal: full },
        /10 of 50 connections could be kept: the server closes them, saying “ERR max/,
      ],
      [{ turnedAway: 99 }, /the server closes them$/],
      [
        { failedByErrno: { EMFILE: 9 }, openFileLimit: 40 },
        /EMFILE, .* not have more than 40 files open; type ulimit -n 256/,
      ],
      [{ failedByErrno: { EMFILE: 1, ECONNREFUSED: 9 }, openFileLimit: null }, /not have more files open/],
      [{ failedByErrno: { ENFILE: 9 } }, /ENFILE, .* fs\.file-max/],
      [
        { failedByErrno: { ETIMEDOUT: 1, ECONNREFUSED: 9 }, turnedAway: 3 },
        /failed with ECONNREFUSED, 9 times/,
      ],
      [{}, /10 of 50 connections were open at the end$/],
    ];
    for (const [supply, says] of cases) expect(held(supply), 'connections', 'WARN', says);
  });

  test('an address of several that takes no connection, where all were to be used', () => {
    const addresses = [
      { address: '[::1]:80', error: 'ECONNREFUSED' },
      { address: '127.0.0.1:80', error: null },
    ];
    const builder = held({ held: 50, addresses });
    expect(builder, 'connections', 'PASS');
    builder.run.load!.plan.addresses = 'all';
    expect(
      builder,
      'connections',
      'WARN',
      /1 of 2 addresses took no connection \(\[::1\]:80: ECONNREFUSED\)/,
    );
  });

  test('look-alike: connections that failed and came back', () => {
    const restarted = { held: 50, turnedAway: 50, failedByErrno: { ECONNREFUSED: 400 } };
    expect(held(restarted), 'connections', 'PASS');
    const before = changed((load) => {
      delete load.supply;
    });
    expect(before, 'connections', 'SKIP');
  });
});

test('every check tried here has a run with its fault and a look-alike', () => {
  demandBoth(TRIED_APART, tried);
});
