// Goal: a budget is held over the whole of a sampling period, by seeing less where it must; one below what the observer
// needs at the least is said not to be held. Method: a clock and a cost given by hand; no programs, so no privileges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCpuHolder } from './cpu-holder.ts';

const SEC = 1e9;
const STEP_NS = 50e6;

/** What the observer takes of a CPU: while cycles are seen, and while not. */
type Cost = { seen: number; blind: number };

function run(budgetShare: number | null, cost: Cost, seconds: number) {
  let now = 0;
  let usedNs = 0;
  let sees = true;
  let seenNs = 0;
  const said: { atSec: number; level: string; why: string }[] = [];
  const usedAtSec: number[] = [];
  using holder = createCpuHolder({
    budgetShare,
    programs: new Map(),
    latestProgramCpus: () => null,
    ownCpuNs: () => usedNs,
    nowNs: () => now,
    limitArming: (limit) => (limit === 'none' ? 'base' : 'armed'),
    onLevel: (level, why) => said.push({ atSec: now / SEC, level, why }),
    seeCycles: (on) => {
      sees = on;
    },
  });
  while (now < seconds * SEC) {
    now += STEP_NS;
    usedNs += (sees ? cost.seen : cost.blind) * STEP_NS;
    if (sees) seenNs += STEP_NS;
    holder.step();
    if (now % SEC === 0) usedAtSec.push(usedNs);
  }
  const lastMinute = (usedNs - usedAtSec.at(-61)!) / (60 * SEC);
  return { said, lastMinute, seenShare: seenNs / now, taken: holder.taken() };
}

test('dear cycles, cheap blindness: seen for a tenth of the time, the budget is held', () => {
  const { said, lastMinute } = run(0.005, { seen: 0.02, blind: 0.002 }, 180);
  assert.ok(lastMinute <= 0.005, `${lastMinute}`);
  assert.ok(said.some(({ level }) => level === 'sampling'));
  assert.ok(!said.some(({ why }) => /not held|of every/.test(why)), 'a tenth is enough');
});

test('where a tenth is too much, less is seen', () => {
  const { said, lastMinute } = run(0.005, { seen: 0.06, blind: 0.002 }, 240);
  assert.ok(lastMinute <= 0.0055, `${lastMinute}`);
  assert.ok(said.some(({ why }) => /cycles are seen for 0\.5 s of every \d+ s/.test(why)));
  assert.ok(!said.some(({ why }) => /not held/.test(why)));
});

test('a budget below the least that it takes: said once, with the figure', () => {
  const { said } = run(0.001, { seen: 0.02, blind: 0.002 }, 400);
  const floor = said.filter(({ why }) => /cannot do with less than 0\.2\d? % of a CPU here/.test(why));
  assert.equal(floor.length, 1, said.map(({ why }) => why).join('\n'));
  assert.match(floor[0]!.why, /its budget of 0\.1 % is not held/);
});

test('without a budget it is measured all the same, for who looks on', () => {
  const { said, taken } = run(null, { seen: 0.03, blind: 0 }, 30);
  assert.deepEqual(said, []);
  assert.ok(Math.abs(taken.ownCpus - 0.03) < 0.001, `${taken.ownCpus}`);
});

test('within the budget it changes nothing', () => {
  const { said, seenShare } = run(0.01, { seen: 0.006, blind: 0.002 }, 120);
  assert.deepEqual(said, []);
  assert.equal(seenShare, 1);
});
