// Goal: a threshold means what it says, and one that a run cannot answer does not pass in silence. Method: parse, then
// judge runs with known figures.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LoopscopeError } from '../../base/errors.ts';
import type { Run } from '../../record/run.ts';
import { histogram, quietRun, type RunBuilder } from '../testing/run-builder.ts';
import { judgeThresholds } from './judge-thresholds.ts';
import { parseThresholds } from './parse-thresholds.ts';
import type { Threshold } from './threshold.ts';

const one = (text: string): Threshold => parseThresholds([text])[0]!;
const judge = (run: Run, text: string) => judgeThresholds(run, [one(text)])[0]!;

describe('the grammar', () => {
  const GOOD: [text: string, expected: Partial<Threshold>][] = [
    ['p99>20ms', { figure: { type: 'quantile', clock: 'response', q: 0.99 }, limit: 20e6, unit: 'ns' }],
    [' p99.9 >= 1.5 s ', { figure: { type: 'quantile', clock: 'response', q: 0.999 }, limit: 1.5e9 }],
    ['lateness.p99>100us', { figure: { type: 'quantile', clock: 'lateness', q: 0.99 }, limit: 1e5 }],
    ['service.max>1m', { figure: { type: 'max', clock: 'service' }, limit: 60e9 }],
    ['mean>3µs', { figure: { type: 'mean', clock: 'response' }, limit: 3000 }],
    ['errors>0.1%', { figure: { type: 'share', outcome: 'errors' }, limit: 0.001, unit: 'share' }],
    ['failed>0', { figure: { type: 'share', outcome: 'failed' }, limit: 0 }],
    ['timeouts.count>10', { figure: { type: 'count', outcome: 'timeouts' }, limit: 10, unit: 'requests' }],
    ['rate<0.99', { figure: { type: 'rate' }, limit: 0.99, unit: 'share' }],
    ['rate<4.9k/s', { figure: { type: 'throughput' }, limit: 4900, unit: 'per s' }],
    ['self=VOID', { figure: { type: 'self', check: null }, operator: '=', limit: 3, unit: 'verdict' }],
    ['self.arrival-shape>=warn', { figure: { type: 'self', check: 'arrival-shape' }, limit: 2 }],
    ['checkout.p99>50ms', { kind: 'checkout', figure: { type: 'quantile', clock: 'response', q: 0.99 } }],
    ['"GET /a=b".service.p50>1ms', { kind: 'GET /a=b', operator: '>' }],
    ['checkout.errors.count>3', { kind: 'checkout', figure: { type: 'count', outcome: 'errors' } }],
    ['p99>20ms?', { optional: true, limit: 20e6 }],
  ];
  for (const [text, expected] of GOOD) {
    test(text, () => {
      const found = one(text);
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(found[key as keyof Threshold], value, key);
      }
      assert.equal(found.text, text.trim());
    });
  }

  const BAD: [text: string, at: number, says: RegExp][] = [
    ['', 1, /nothing to judge/],
    ['p99', 4, /comparison is missing/],
    ['>20ms', 1, /name is missing/],
    ['p100>20ms', 1, /"p100"/],
    ['p0>20ms', 1, /"p0"/],
    ['latency>20ms', 1, /"latency" is nothing/],
    ['a.b.p99>1ms', 1, /"a\.b\.p99"/],
    ['p99>20', 5, /"20" is not a time/],
    ['  p99 >  20xs', 10, /"20xs" is not a time/],
    ['p99>', 5, /a time is missing/],
    ['p99=20ms', 4, /never exactly equal/],
    ['errors>10', 8, /"10" is not a share/],
    ['errors.count>1.5', 14, /whole number/],
    ['rate<fast', 6, /"fast" is not a rate/],
    ['self=GOOD', 6, /"GOOD" is not a verdict/],
  ];
  for (const [text, at, says] of BAD) {
    test(`${text || '(nothing)'} is refused at character ${at}`, () => {
      assert.throws(
        () => one(text),
        (error: unknown) => {
          assert.ok(error instanceof LoopscopeError && error.code === 'USAGE');
          assert.match(error.message, says);
          assert.match(error.message, new RegExp(`at character ${at}:`));
          assert.ok(error.hint.length > 3);
          return true;
        },
      );
    });
  }

  test('whatever is typed is parsed or refused, never anything else', () => {
    const piece = fc.constantFrom(
      'p99',
      '.',
      '>',
      '<=',
      '20ms',
      '%',
      '"',
      'self',
      'errors',
      '?',
      ' ',
      'rate',
      '/s',
      '9',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            assert.ok(Number.isFinite(one(text).limit));
          } catch (error) {
            assert.ok(error instanceof LoopscopeError, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** Ten seconds of 2000 requests: 2 % of them take 30 ms. */
function slowRun(): RunBuilder {
  const builder = quietRun();
  const load = builder.run.load!;
  for (const block of load.blocks) {
    block.latency.response = histogram([
      [1, 1960],
      [30, 40],
    ]);
  }
  return builder.response([
    [1, 19_600],
    [30, 400],
  ]);
}

describe('judging', () => {
  test('crossed and held, with the value, its interval and a sentence', () => {
    const crossed = judge(slowRun().run, 'p99>20ms');
    assert.equal(crossed.outcome, 'crossed');
    assert.equal(crossed.failed, true);
    assert.equal(crossed.sure, true);
    assert.ok(Math.abs(crossed.value! - 30e6) < 1e5);
    assert.match(crossed.why, /it is 30\.0 ms \[.*\]/);
    const held = judge(slowRun().run, 'p50>20ms');
    assert.deepEqual([held.outcome, held.failed, held.sure], ['held', false, true]);
  });

  test('a limit within the interval is judged by the value, and said to be close', () => {
    const builder = quietRun();
    const counts = [30, 5, 40, 10, 25, 20, 35, 5, 15, 45];
    builder.run.load!.blocks.forEach((block, i) => {
      block.latency.response = histogram([
        [1, 2000 - counts[i]!],
        [30, counts[i]!],
      ]);
    });
    const result = judge(
      builder.response([
        [1, 19_770],
        [30, 230],
      ]).run,
      'p99>20ms',
    );
    assert.deepEqual([result.outcome, result.sure], ['crossed', false]);
    assert.match(result.why, /another run may say otherwise/);
  });

  test('a quantile that a VOID check withholds cannot be judged, and fails', () => {
    const run = slowRun().counts({ ok: 19_999 }).run;
    const result = judge(run, 'p99>500ms');
    assert.deepEqual([result.outcome, result.failed, result.value], ['unjudged', true, null]);
    assert.match(result.why, /withheld by conservation/);
    assert.equal(judge(run, 'p99>500ms?').failed, false);
    assert.equal(judge(run, 'p99>500ms?').outcome, 'unjudged');
  });

  test('a tail that is withheld leaves the rest to be judged', () => {
    const builder = quietRun();
    const load = builder.run.load!;
    load.blocks[3]!.latency.lateness = histogram([[0.005, 1600]]);
    load.blocks[4]!.latency.lateness = histogram([[0.005, 2400]]);
    assert.equal(judge(builder.run, 'service.p50>20ms').outcome, 'held');
    assert.equal(judge(builder.run, 'service.p99>20ms').outcome, 'unjudged');
    assert.equal(judge(builder.run, 'p99>20ms').outcome, 'held');
  });

  test('requests without an answer: enough to cross a limit, not enough to hold one', () => {
    const run = quietRun().response([[1, 19_000]], [[2000, 1000]]).run;
    const over = judge(run, 'p99>20ms');
    assert.deepEqual([over.outcome, over.atLeast], ['crossed', true]);
    assert.match(over.why, /at least 2\.00 s/);
    const beyond = judge(run, 'p99>3s');
    assert.deepEqual([beyond.outcome, beyond.failed], ['unjudged', true]);
    assert.match(beyond.why, /unanswered/);
    assert.equal(judge(run, 'p99<20ms').outcome, 'held');
    assert.equal(judge(run, 'p99<3s').outcome, 'unjudged');
    assert.equal(judge(run, 'mean>1s').outcome, 'unjudged');
  });

  test('too few requests for a quantile: judged only by what is sure', () => {
    const few = quietRun().response([[1, 500]]).run;
    assert.match(judge(few, 'p99>1s').why, /500 independent requests are too few/);
    assert.deepEqual([judge(few, 'p99>1s').outcome, judge(few, 'p99>1s').value], ['unjudged', null]);
    // Whatever the p99 is, it is no less than the low end of its interval.
    assert.equal(judge(few, 'p99>0.5ms').outcome, 'crossed');
  });

  test('requests that came in clumps: far from the limit is far enough', () => {
    const builder = quietRun();
    const slowCounts = [0, 60, 5, 50, 10, 0, 45, 5, 5, 60];
    const spreads = slowCounts.map((count) => [
      [1, 2000 - count] as const,
      ...Array.from({ length: 5 }, (_, i) => [5 + i / 5, count / 5] as const),
    ]);
    builder.run.load!.blocks.forEach((block, i) => {
      block.latency.response = histogram(spreads[i]!);
    });
    const { run } = builder.response(spreads.flat());
    const near = judge(run, 'p99>5.1ms');
    assert.equal(near.outcome, 'unjudged', near.why);
    assert.match(near.why, /it lies in \[/);
    const far = judge(run, 'p99>1s');
    assert.deepEqual([far.outcome, far.sure, far.failed], ['held', true, false]);
  });

  test('shares, counts and rates', () => {
    const run = quietRun().counts({ ok: 19_900, wrong: 60, timeout: 40 }).run;
    assert.equal(judge(run, 'errors>0.4%').outcome, 'crossed');
    assert.equal(judge(run, 'errors>0.5%').outcome, 'held');
    assert.equal(judge(run, 'timeouts.count>=40').outcome, 'crossed');
    assert.equal(judge(run, 'wrong.count=60').outcome, 'crossed');
    assert.equal(judge(run, 'failed>1%').outcome, 'held');
    assert.equal(judge(run, 'rate<0.99').outcome, 'held');
    assert.equal(judge(run, 'rate<1990/s').outcome, 'held');
    assert.equal(judge(run, 'rate<2000/s').outcome, 'crossed');
    run.load!.plan.arrival = 'closed';
    assert.match(judge(run, 'rate<0.99').why, /no planned rate/);
  });

  test('the tool’s own verdict', () => {
    assert.equal(judge(quietRun().run, 'self>=WARN').outcome, 'held');
    assert.equal(judge(quietRun().counts({ ok: 1 }).run, 'self=VOID').outcome, 'crossed');
    assert.equal(judge(quietRun().run, 'self.lateness!=PASS').outcome, 'held');
    assert.match(judge(quietRun().run, 'self.nonsense=VOID').why, /no self-check "nonsense"/);
  });

  test('kinds of a mix have their own figures', () => {
    const { run } = quietRun();
    const load = run.load!;
    const kind = (name: string, ms: number) => ({
      name,
      counts: { ...load.counts, planned: 10_000, ok: 10_000 },
      latency: { ...load.total, response: histogram([[ms, 10_000]]) },
    });
    load.kinds = [kind('browse', 1), kind('checkout', 80)];
    assert.equal(judge(run, 'checkout.p99>50ms').outcome, 'crossed');
    assert.equal(judge(run, 'browse.p99>50ms').outcome, 'held');
    assert.match(judge(run, 'cart.p99>50ms').why, /no kind "cart": it has browse, checkout/);
    assert.match(judge(quietRun().run, 'cart.p99>50ms').why, /only one kind/);
  });

  test('without load only the tool itself can be judged', () => {
    const { run } = quietRun().undriven();
    assert.match(judge(run, 'p99>1ms').why, /no load/);
    assert.equal(judge(run, 'self=VOID').outcome, 'held');
  });
});
