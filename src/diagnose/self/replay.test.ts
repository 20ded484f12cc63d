// Goal: a replay that was not true to its log is told, with figures and what to do; what only looks like it is not.
// Method: a quiet replay with one thing planted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoadRecord } from '../../record/load.ts';
import type { ReplayRecord } from '../../record/replay/replay.ts';
import { diagnose } from '../diagnose.ts';
import type { SelfCheck, SelfVerdict } from '../finding.ts';
import { demandBoth, TRIED_ON_REPLAYS, type TriedCheck } from '../testing/demand-both.ts';
import { GAPS, replayedRun } from '../testing/replay-values.ts';
import { histogram, quietRun, type RunBuilder, type Spread } from '../testing/run-builder.ts';
import { assertSound } from '../testing/sound.ts';

const tried: TriedCheck[] = [];

function expect(builder: RunBuilder, name: string, verdict: SelfVerdict, says?: RegExp): SelfCheck {
  tried.push({ check: name, verdict, builder });
  const diagnosis = diagnose(builder.run);
  assertSound(diagnosis);
  const found = diagnosis.self.checks.find((check) => check.name === name);
  assert.ok(found, `no check ${name}`);
  assert.equal(found.verdict, verdict, found.text);
  if (says) assert.match(found.text, says);
  return found;
}

function withLoad(change: (load: LoadRecord, replay: ReplayRecord) => void): RunBuilder {
  const builder = replayedRun();
  change(builder.run.load!, builder.run.load!.replay!);
  return builder;
}

const taken = (load: LoadRecord) => {
  load.inFlight = { mean: 20, max: 50, limit: 50 };
};

const fullSpeed = () =>
  withLoad((load, replay) => {
    load.plan.arrival = 'closed';
    load.arrivals.planned = null;
    replay.schedule.pace = 'max';
    replay.schedule.speed = null;
    replay.askedGaps = null;
  });

test('a load that was made up has none of these checks', () => {
  const names = diagnose(quietRun().run).self.checks.map(({ name }) => name);
  assert.ok(!names.some((name) => name.startsWith('replay-')), names.join());
});

test('a true replay passes them all, and checks of made-up arrivals point to them', () => {
  const { self } = diagnose(replayedRun().run);
  const own = self.checks.filter(({ name }) => TRIED_ON_REPLAYS.includes(name));
  assert.deepEqual(
    own.map(({ name, verdict }) => `${name} ${verdict}`),
    ['lines', 'order', 'gaps', 'dispersion', 'lag', 'starved'].map((name) => `replay-${name} PASS`),
  );
  expect(replayedRun(), 'arrival-gaps', 'SKIP', /see replay-gaps/);
  expect(replayedRun(), 'arrival-shape', 'SKIP', /see replay-dispersion/);
});

test('at full speed there is no schedule to be true to, and that is said', () => {
  for (const name of ['replay-gaps', 'replay-dispersion', 'replay-lag', 'replay-starved']) {
    expect(fullSpeed(), name, 'SKIP', /full speed: .* no schedule/);
  }
  const waits = fullSpeed();
  waits.run.load!.replay!.clients.waitedCount = 9000;
  expect(waits, 'replay-order', 'PASS', /9000 requests \(45 %\) waited/);
});

describe('replay-lines', () => {
  test('a line that nobody accounts for', () => {
    const lost = replayedRun(({ log }) => {
      log.readCount++;
    });
    expect(lost, 'replay-lines', 'VOID', /= 20\.0 k requests \+ 100 left out \+ 10 refused leaves 1; please/);
  });

  test('lines refused: many, and most', () => {
    const refused = (count: number) =>
      replayedRun(({ log }) => {
        log.refused[0]!.count = count;
        log.readCount = log.requestCount + 100 + count;
      });
    expect(
      refused(1000),
      'replay-lines',
      'WARN',
      /4\.7 % .* for “no method and path in it”, first in line 17; see/,
    );
    expect(refused(60_000), 'replay-lines', 'VOID', /not the traffic of this log; name its format/);
    expect(refused(150), 'replay-lines', 'PASS', /150 refused/);
  });

  test('look-alike: lines left out on purpose, however many', () => {
    const left = replayedRun(({ log }) => {
      log.skipped[0]!.count = 1e6;
      log.readCount = log.requestCount + 1e6 + 10;
    });
    expect(left, 'replay-lines', 'PASS', /1\.00 M left out/);
  });
});

describe('replay-order', () => {
  const clients = (change: Partial<ReplayRecord['clients']>) =>
    replayedRun((replay) => {
      Object.assign(replay.clients, change);
    });

  test('out of order, and behind one another', () => {
    expect(clients({ disorderedCount: 2 }), 'replay-order', 'VOID', /2 requests went out before an earlier/);
    expect(
      clients({ session: 'ip', waitedCount: 4000 }),
      'replay-order',
      'WARN',
      /20 %\) waited .* --session/,
    );
    expect(clients({ waitedCount: 4000 }), 'replay-order', 'WARN', /answers later than the log’s server/);
  });

  test('the client itself was late with what they waited for', () => {
    const away = clients({ waitedCount: 4000 });
    const none = { allTaken: 0, noConnection: 0, clientAway: 0, suspended: 0 };
    const waits = { late: { ...none, clientAway: 900 }, unsent: none };
    away.run.load!.waits = { ...waits, longestAbsence: null, longestSilence: null, suspendedNs: 0 };
    expect(away, 'replay-order', 'WARN', /has it: the client did not run in time$/);
  });

  test('look-alikes: a few that waited, moved connections, clients not told apart', () => {
    const moved = clients({ movedCount: 900, distinct: null });
    expect(moved, 'replay-order', 'PASS', /^clients by ip:port, .*; 900 moved to another connection$/);
    expect(clients({ session: 'none', waitedCount: 0 }), 'replay-order', 'SKIP');
  });
});

describe('replay-gaps', () => {
  const sent = (spread: Spread, change: (load: LoadRecord) => void = () => {}) =>
    withLoad((load) => {
      load.arrivals.gaps = { histogram: histogram(spread), lag1: 0 };
      change(load);
    });
  const pairs: Spread = [
    [0.001, 10_000],
    [1, 10_000],
  ];

  test('sent in pairs, and a tenth of the gaps elsewhere', () => {
    expect(sent(pairs), 'replay-gaps', 'VOID', /0\.500 from those asked for .* lower --speed/);
    const some = GAPS.map(([ms, count], i) => [ms, i === 0 ? count + 2000 : count - 500] as const);
    expect(sent(some), 'replay-gaps', 'WARN', /0\.100 from .* asked; timers oversleep 60\.0 µs here: --spin/);
  });

  test('the target held them up', () => {
    expect(sent(pairs, taken), 'replay-gaps', 'WARN', /connections ran out, and sends followed/);
  });

  test('look-alikes: each a wake-up later, too few, finer than a wake-up, not recorded', () => {
    const later = GAPS.map(([ms, count]) => [ms + 0.03, count] as const);
    expect(sent(later), 'replay-gaps', 'PASS', /0\.000 from .* up to 50\.0 µs left aside/);
    expect(sent([[9, 100]]), 'replay-gaps', 'SKIP', /too few/);
    const fine = withLoad((load, replay) => {
      replay.askedGaps = histogram([[0.02, 20_000]]);
      load.arrivals.gaps = { histogram: histogram(pairs), lag1: 0 };
    });
    expect(fine, 'replay-gaps', 'SKIP', /finer than a wake-up/);
    const none = withLoad((load) => {
      delete load.arrivals.gaps;
    });
    expect(none, 'replay-gaps', 'SKIP', /not seen/);
  });
});

describe('replay-dispersion', () => {
  const bunched = (sent: number, asked: number, change: (load: LoadRecord) => void = () => {}) =>
    withLoad((load) => {
      Object.assign(load.arrivals, { idc1ms: asked, idc10ms: sent, idc100ms: asked });
      load.arrivals.planned = { idc1ms: asked, idc10ms: asked, idc100ms: asked };
      change(load);
    });

  test('burstier, smoother, and in bursts of its own', () => {
    expect(bunched(6, 5), 'replay-dispersion', 'WARN', /at 10 ms 1\.20 of it, as the client/);
    expect(bunched(4, 5), 'replay-dispersion', 'WARN', /0\.80 of it/);
    expect(bunched(40, 5), 'replay-dispersion', 'VOID', /bursts that the log has not/);
    expect(bunched(40, 5, taken), 'replay-dispersion', 'WARN', /as connections ran out/);
  });

  test('look-alikes: a log that is bursty itself, one that is even, a short one', () => {
    expect(bunched(41, 40), 'replay-dispersion', 'PASS', /41\.00 and 40\.00 at 10 ms/);
    expect(bunched(0.09, 0.01), 'replay-dispersion', 'PASS');
    const short = bunched(40, 5, (load) => {
      load.arrivals.sentCount = 100;
    });
    expect(short, 'replay-dispersion', 'SKIP', /too few requests/);
  });
});

describe('replay-lag', () => {
  /** Late by so many ms in the last second, and before. */
  const late = (finalMs: number, beforeMs = 0.005, change: (load: LoadRecord) => void = () => {}) =>
    withLoad((load) => {
      load.blocks.forEach((block, second) => {
        block.latency.lateness = histogram([[second === 9 ? finalMs : beforeMs, 2000]]);
      });
      load.total.lateness = histogram([
        [beforeMs, 18_000],
        [finalMs, 2000],
      ]);
      change(load);
    });

  test('a replay that ends late', () => {
    expect(late(20, 1), 'replay-lag', 'WARN', /20\.\d ms late \(median\).* 0\.2 % .* the client fell behind/);
    expect(late(200, 100), 'replay-lag', 'VOID', /2 % of the schedule behind: .* lower --speed/);
    expect(late(200, 100, taken), 'replay-lag', 'WARN', /connections ran out; read response times/);
  });

  test('look-alikes: late in the middle, one late send at the end, less than a wake-up', () => {
    expect(late(0.005, 300), 'replay-lag', 'PASS', /the latest of all 300 ms/);
    const one = withLoad((load) => {
      load.blocks.at(-1)!.latency.lateness = histogram([
        [0.005, 1999],
        [900, 1],
      ]);
    });
    expect(one, 'replay-lag', 'PASS');
    expect(late(0.9), 'replay-lag', 'PASS');
  });

  test('nothing sent', () => {
    const none = late(0, 0, (load) => {
      load.blocks = [];
      load.total.lateness = histogram([]);
    });
    expect(none, 'replay-lag', 'SKIP', /no request was sent/);
  });
});

describe('replay-starved', () => {
  const starved = (count: number, longestMs: number, change: (replay: ReplayRecord) => void = () => {}) =>
    replayedRun((replay) => {
      replay.starved = { count, longestNs: longestMs * 1e6 };
      change(replay);
    });

  test('read too late', () => {
    expect(
      starved(100, 20),
      'replay-starved',
      'WARN',
      /100 requests \(0\.5 %\) .* 20\.0 ms late: decompress/,
    );
    expect(starved(1000, 20), 'replay-starved', 'VOID', /5 %/);
    expect(starved(1000, 1), 'replay-starved', 'WARN');
  });

  test('then the client is the bottleneck, and what to type is an option of replay', () => {
    const { verdict } = diagnose(starved(1000, 20).unwatched().run);
    assert.equal(verdict.culprit, 'client.saturated');
    assert.match(verdict.advice.join('; '), /decompress the log .*; lower --speed until/);
    assert.doesNotMatch(verdict.advice.join(), /--rate/);
  });

  test('look-alikes: a few, and a log that is still written', () => {
    expect(starved(5, 20), 'replay-starved', 'PASS', /5 requests/);
    const followed = starved(9000, 400, ({ schedule }) => {
      schedule.follow = { behindNs: 5e8, behindBytes: 0, rotatedCount: 0, truncatedCount: 0 };
    });
    expect(followed, 'replay-starved', 'WARN', /written that late, by as much as 500 ms/);
  });
});

test('every check of a replay has a run with its fault and a look-alike', () => {
  demandBoth(TRIED_ON_REPLAYS, tried);
});
