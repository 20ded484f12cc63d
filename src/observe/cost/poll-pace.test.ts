// Goal: polls come often while something goes on, seldom otherwise. Method: a clock by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPollPace } from './poll-pace.ts';

test('often at first and after whatever happens, seldom when nothing does', () => {
  let now = 0;
  const pace = createPollPace(() => now, 250e6);
  const atFirst = pace.restMs('none');
  now = 2.1e9;
  const quiet = pace.restMs('none');
  assert.ok(quiet > 3 * atFirst, `${atFirst}, then ${quiet} ms`);
  assert.ok(2 * quiet <= 250, 'a stall is told of within 300 ms');
  pace.stir();
  assert.equal(pace.restMs('none'), atFirst);
  now += 1.9e9;
  assert.equal(pace.restMs('none'), atFirst);
  now += 0.2e9;
  assert.equal(pace.restMs('none'), quiet);
});

test('a tight budget is kept whatever goes on', () => {
  const pace = createPollPace(() => 0, 250e6);
  pace.stir();
  assert.ok(pace.restMs('tight') >= 100, 'seldom');
  assert.ok(pace.restMs('blind') > pace.restMs('tight'));
});

test('longer windows, fewer polls, to a limit', () => {
  const quietAt = (windowNs: number) => {
    let now = 0;
    const pace = createPollPace(() => now, windowNs);
    now = 10e9;
    return pace.restMs('none');
  };
  assert.ok(quietAt(400e6) > quietAt(250e6));
  assert.equal(quietAt(1e9), quietAt(60e9));
});
