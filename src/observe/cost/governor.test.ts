// Goal: the observer steps down when it takes too much, comes back when there is room, and does not swing for ever.
// Method: shares of a CPU second by second, no clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGovernor, LEVELS, type Level } from './governor.ts';

const SEC = 1e9;

function governed(budgetShare: number) {
  const changes: { level: Level; why: string; atSec: number }[] = [];
  let sec = 0;
  const governor = createGovernor({
    budgetShare,
    onLevel: (level, why) => changes.push({ level, why, atSec: sec }),
  });
  return {
    governor,
    changes,
    run(share: number | ((level: Level) => number), seconds: number) {
      for (let i = 0; i < seconds; i++) {
        sec++;
        governor.step(typeof share === 'number' ? share : share(governor.level), sec * SEC);
      }
    },
  };
}

test('within the budget nothing happens', () => {
  const { governor, changes, run } = governed(0.01);
  run(0.009, 100);
  assert.equal(governor.level, 'all');
  assert.equal(changes.length, 0);
});

test('one measurement a little above is chance, two are not, and one far above is enough', () => {
  const { changes, run } = governed(0.01);
  run(0.012, 1);
  run(0.005, 1);
  run(0.012, 1);
  assert.equal(changes.length, 0);
  run(0.012, 1);
  assert.deepEqual(
    changes.map(({ level }) => level),
    ['no-samples'],
  );
  run(0.03, 1);
  assert.equal(changes.length, 1, 'what is measured at first is of the level before');
  run(0.03, 1);
  assert.deepEqual(
    changes.map(({ level }) => level),
    ['no-samples', 'base'],
  );
  assert.match(changes[1]!.why, /took 3 % of a CPU, over its budget of 1 %: no scheduler probes/);
});

test('it goes down to sampling and no further', () => {
  const { governor, changes, run } = governed(0.001);
  run(0.5, 20);
  assert.equal(governor.level, 'sampling');
  assert.deepEqual(
    changes.map(({ level }) => level),
    LEVELS.slice(1),
  );
});

test('up again after a rest with room, one level at a time', () => {
  const { governor, changes, run } = governed(0.01);
  run(0.05, 3);
  assert.equal(governor.level, 'base');
  run(0.001, 5);
  assert.equal(governor.level, 'base', 'not at once');
  run(0.001, 300);
  assert.equal(governor.level, 'all');
  assert.deepEqual(
    changes.map(({ level }) => level),
    ['no-samples', 'base', 'no-samples', 'all'],
  );
});

test('no room is no reason to go up: at most half of the budget may be in use', () => {
  const { governor, run } = governed(0.01);
  run(0.05, 3);
  run(0.008, 500);
  assert.equal(governor.level, 'base');
});

test('a level that proves too dear each time is tried ever more seldom', () => {
  const { changes, run } = governed(0.01);
  // Cheap below "all", far too dear in it.
  run((level) => (level === 'all' ? 0.05 : 0.001), 3600);
  assert.ok(changes.length > 4 && changes.length < 40, `${changes.length} changes in an hour`);
  const ups = changes.filter(({ level }) => level === 'all').map(({ atSec }) => atSec);
  const gaps = ups.slice(1).map((at, i) => at - ups[i]!);
  assert.ok(gaps.at(-1)! >= 4 * gaps[0]!, gaps.join(' '));
});
