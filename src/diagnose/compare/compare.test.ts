// Goal: a difference is told when runs of one side differ less than the sides do, and not otherwise. Method: seeded
// groups of runs with known variation, false-alarm rates among them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runs } from '../../../test/helpers/depth.ts';
import { createPrng, type Prng } from '../../base/prng.ts';
import type { Run } from '../../record/run.ts';
import { replayedRun } from '../testing/replay-values.ts';
import { histogram, quietRun, type Spread } from '../testing/run-builder.ts';
import { compareRuns, isWorse } from './compare-runs.ts';

const SHAPE: Spread = [
  [0.2, 1500],
  [0.3, 450],
  [0.8, 50],
];

/** A run whose times are all `factor` as long; `spread` makes its seconds differ. */
function run(factor: number, startedWallMs = 0, spread?: (second: number) => Spread): Run {
  const builder = quietRun().unwatched();
  const load = builder.run.load!;
  builder.run.header.startedWallMs = startedWallMs;
  const times = (second: number) =>
    (spread?.(second) ?? SHAPE).map(([ms, count]) => [ms * factor, count] as const);
  const spreads = load.blocks.map((_, second) => times(second));
  const alike = spread ? null : histogram(times(0));
  load.blocks.forEach((block, second) => {
    block.latency.response = alike ?? histogram(spreads[second]!);
    block.latency.service = block.latency.response;
  });
  load.total.response = histogram(spreads.flat());
  load.total.service = load.total.response;
  return builder.run;
}

/** Runs that settle elsewhere each time, taken in turns. */
function side(prng: Prng, count: number, factor: number, settle: number, offset: number): Run[] {
  return Array.from({ length: count }, (_, i) =>
    run(factor * Math.exp(settle * (prng.next() - 0.5) * Math.sqrt(12)), 2 * i + offset),
  );
}

const figureOf = (comparison: ReturnType<typeof compareRuns>, name: string) =>
  comparison.figures.find((figure) => figure.name === name)!;

describe('between runs', () => {
  test('a difference far beyond that between runs is told, with its interval', () => {
    const prng = createPrng(1);
    const comparison = compareRuns(side(prng, 5, 1, 0.03, 0), side(prng, 5, 1.4, 0.03, 1));
    assert.equal(comparison.basis, 'between-runs');
    assert.equal(comparison.verdict, 'worse');
    const p99 = figureOf(comparison, 'response p99');
    assert.equal(p99.verdict, 'worse');
    assert.ok(Math.abs(p99.change! - 0.4) < 0.06, String(p99.change));
    assert.ok(p99.changeLow! > 0.25 && p99.changeLow! < p99.change! && p99.change! < p99.changeHigh!);
    assert.ok(p99.p! < 0.01 && p99.permutationP! < 0.01);
    assert.match(comparison.why, /B is worse in response p50/);
    assert.equal(compareRuns(side(prng, 5, 1.4, 0.03, 0), side(prng, 5, 1, 0.03, 1)).verdict, 'better');
  });

  test('look-alike: the same difference, when runs of one side differ as much', () => {
    const prng = createPrng(2);
    const comparison = compareRuns(side(prng, 3, 1, 0.4, 0), side(prng, 3, 1.2, 0.4, 1));
    assert.equal(comparison.verdict, 'same');
    assert.match(comparison.why, /no difference that stands out/);
  });

  test('equal servers are seldom called different', () => {
    const trials = runs(60);
    let alarms = 0;
    for (let trial = 0; trial < trials; trial++) {
      const prng = createPrng(trial, 9);
      if (compareRuns(side(prng, 3, 1, 0.2, 0), side(prng, 3, 1, 0.2, 1)).verdict !== 'same') alarms++;
    }
    assert.ok(alarms <= (7 / 60) * trials, `${alarms} of ${trials}`);
  });

  test('a difference below what matters is none', () => {
    const prng = createPrng(3);
    const [a, b] = [side(prng, 5, 1, 0.001, 0), side(prng, 5, 1.03, 0.001, 1)];
    assert.equal(compareRuns(a, b).verdict, 'worse');
    assert.equal(compareRuns(a, b, { minChange: 0.05 }).verdict, 'same');
    assert.equal(isWorse(compareRuns(a, b), 0.05).failed, false);
    assert.equal(isWorse(compareRuns(a, b), 0.01).failed, true);
  });

  test('failed requests are compared too', () => {
    const prng = createPrng(4);
    const b = side(prng, 3, 1, 0.01, 1);
    b.forEach((each, i) => {
      Object.assign(each.load!.counts, { ok: 19_000 - i, error: 1000 + i });
    });
    const comparison = compareRuns(side(prng, 3, 1, 0.01, 0), b);
    assert.equal(figureOf(comparison, 'failed').verdict, 'worse');
    assert.equal(isWorse(comparison, 0.5).failed, true);
  });

  test('a closed loop is compared by its throughput as well, an open one is not', () => {
    const closed = (factor: number, offset: number) =>
      side(createPrng(5), 3, factor, 0.01, offset).map((each, i) => {
        each.load!.plan.arrival = 'closed';
        const ok = Math.round((20_000 + i * 10) / factor);
        Object.assign(each.load!.counts, { planned: ok, ok });
        return each;
      });
    const comparison = compareRuns(closed(1, 0), closed(0.8, 1));
    assert.equal(figureOf(comparison, 'throughput').verdict, 'better');
    assert.equal(figureOf(compareRuns([run(1)], [run(1)]), 'throughput'), undefined);
  });
});

describe('one run against those before it', () => {
  test('far outside of their spread is a verdict, in either direction and on either side', () => {
    const earlier = side(createPrng(11), 5, 1, 0.03, 0);
    const slow = [run(1.5)];
    const comparison = compareRuns(earlier, slow);
    assert.equal(comparison.basis, 'one-against-runs');
    assert.equal(comparison.verdict, 'worse');
    const p99 = figureOf(comparison, 'response p99');
    assert.ok(p99.changeLow! > 0.3 && p99.changeLow! < p99.change! && p99.change! < p99.changeHigh!);
    assert.ok(p99.p! < 0.05);
    assert.equal(isWorse(comparison, 0.05).failed, true);
    assert.equal(compareRuns(slow, earlier).verdict, 'better');
    const mirrored = figureOf(compareRuns(slow, earlier), 'response p99');
    assert.ok(mirrored.changeLow! < mirrored.change! && mirrored.change! < mirrored.changeHigh!);
    assert.ok(Math.abs((1 + mirrored.changeLow!) * (1 + p99.changeHigh!) - 1) < 1e-9);
  });

  test('three are enough for a large difference', () => {
    const [comparison, few] = [3, 2].map((count) =>
      compareRuns(side(createPrng(12), count, 1, 0.02, 0), [run(2)]),
    );
    assert.equal(comparison!.verdict, 'worse');
    assert.ok(comparison!.warnings.some((warning) => /one run against 3/.test(warning)));
    assert.equal(few!.verdict, 'unknown');
    assert.match(few!.why, /one run against two.*judged against 3 others or more/);
  });

  test('look-alike: the same difference among runs that differ as much', () => {
    const comparison = compareRuns(side(createPrng(13), 5, 1, 0.3, 0), [run(1.5)]);
    assert.equal(comparison.verdict, 'same');
    assert.equal(isWorse(comparison, 0.05).failed, false);
  });

  test('an equal run is seldom called different, few earlier ones or many', () => {
    const trials = runs(60);
    for (const count of [3, 10]) {
      let alarms = 0;
      for (let trial = 0; trial < trials; trial++) {
        const prng = createPrng(trial, 21);
        const [one, ...earlier] = side(prng, count + 1, 1, 0.2, 0);
        if (compareRuns(earlier, [one!]).verdict !== 'same') alarms++;
      }
      assert.ok(alarms <= (7 / 60) * trials, `${alarms} of ${trials}, against ${count}`);
    }
  });

  test('runs that are alike to the last digit do not make anything a difference', () => {
    const earlier = [run(1), run(1), run(1), run(1)];
    assert.equal(compareRuns(earlier, [run(1.001)]).verdict, 'same');
    const failing = (count: number) => {
      const each = run(1);
      Object.assign(each.load!.counts, { ok: 20_000 - count, error: count });
      return compareRuns(earlier, [each]);
    };
    assert.equal(figureOf(failing(1), 'failed').verdict, 'same');
    assert.equal(figureOf(failing(400), 'failed').verdict, 'worse');
    assert.equal(isWorse(failing(400), 0.05).failed, true);
  });
});

describe('within one run', () => {
  test('one run a side gives intervals and no verdict', () => {
    const wobble = (second: number): Spread =>
      Array.from({ length: 80 }, (_, i) => [(0.1 + i / 80) * (1 + 0.002 * ((second * 7) % 10)), 25] as const);
    const comparison = compareRuns([run(1, 0, wobble)], [run(1.5, 1, wobble)]);
    assert.equal(comparison.basis, 'within-run');
    assert.equal(comparison.verdict, 'unknown');
    assert.match(comparison.why, /variation between runs is unknown/);
    const p50 = figureOf(comparison, 'response p50');
    assert.equal(p50.verdict, 'unknown');
    assert.ok(Math.abs(p50.change! - 0.5) < 0.03);
    assert.ok(p50.changeLow! <= p50.change! && p50.change! <= p50.changeHigh!);
    assert.ok(p50.changeHigh! - p50.changeLow! > 0.005);
    assert.equal(isWorse(comparison, 0.05).failed, true);
  });

  test('several runs against one still tell nothing of the one', () => {
    assert.equal(compareRuns([run(1), run(1.01)], [run(2)]).verdict, 'unknown');
  });

  test('the same runs give the same answer', () => {
    assert.deepEqual(compareRuns([run(1)], [run(1.1)]), compareRuns([run(1)], [run(1.1)]));
  });
});

describe('what cannot be compared', () => {
  test('figures that a VOID run withholds', () => {
    const prng = createPrng(6);
    const [a, b] = [side(prng, 3, 1, 0.01, 0), side(prng, 3, 1, 0.01, 1)];
    b[1]!.load!.counts.ok -= 1;
    const comparison = compareRuns(a, b);
    const p99 = figureOf(comparison, 'response p99');
    assert.deepEqual([p99.verdict, p99.centreB, p99.b[1]], ['unknown', null, null]);
    assert.match(p99.why, /B2: withheld by conservation/);
    assert.equal(comparison.verdict, 'unknown');
    assert.ok(comparison.warnings.some((warning) => /B2 is VOID/.test(warning)));
    assert.match(isWorse(comparison, 0.05).why, /cannot be judged/);
  });

  test('differences in what was run and where are told', () => {
    const b = run(1);
    b.load!.plan.connectionCount = 100;
    b.load!.plan.arrival = 'constant';
    b.header.environment.kernelRelease = '6.1.0\u001b[2J';
    const { warnings } = compareRuns([run(1)], [b]);
    assert.ok(warnings.includes('connections: 50 in A, 100 in B'));
    assert.ok(warnings.includes('arrival: poisson in A, constant in B'));
    assert.ok(warnings.some((warning) => /^kernel: /.test(warning) && !warning.includes('\u001b')));
    assert.deepEqual(compareRuns([run(1)], [run(1)]).warnings, []);
    const [atOne, atTwo] = [replayedRun().run, replayedRun(({ schedule }) => (schedule.speed = 2)).run];
    assert.ok(
      compareRuns([atOne], [atTwo]).warnings.some((warning) =>
        /^log: access\.log .* speed 1 in A, .* speed 2 in B$/.test(warning),
      ),
    );
  });

  test('runs that did not take turns, and runs that are few', () => {
    const apart = compareRuns([run(1, 1), run(1, 2)], [run(1, 3), run(1, 4)]).warnings;
    assert.ok(apart.some((warning) => /take turns/.test(warning)));
    assert.ok(apart.some((warning) => /fewer than 5/.test(warning)));
    const turns = compareRuns([run(1, 1), run(1, 3)], [run(1, 2), run(1, 4)]).warnings;
    assert.ok(!turns.some((warning) => /take turns/.test(warning)));
  });

  test('runs without load', () => {
    const { run: undriven } = quietRun().undriven();
    const comparison = compareRuns([undriven, undriven], [undriven, undriven]);
    assert.equal(comparison.verdict, 'unknown');
    assert.match(comparison.why, /no times or rates/);
  });
});
