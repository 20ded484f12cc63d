// Goal: looks are neither too dear nor too late. Method: times given by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Comings, createScanSchedule } from './scan-schedule.ts';

const MS = 1e6;
const NOBODY_COMES: Comings = { endings: 0, beginnings: 0, watched: 1 };

/** The times, in ms, at which it looks within a span, asked every 10 ms. */
function looks(spanMs: number, tookMs: number, comingsAt: (ms: number) => Partial<Comings>): number[] {
  const schedule = createScanSchedule(0);
  const at: number[] = [];
  for (let ms = 10; ms <= spanMs; ms += 10) {
    if (!schedule.isDue(ms * MS, { ...NOBODY_COMES, ...comingsAt(ms) })) continue;
    at.push(ms);
    schedule.looked(ms * MS, tookMs * MS);
  }
  return at;
}

const CASES: {
  name: string;
  tookMs: number;
  comingsAt: (ms: number) => Partial<Comings>;
  expected: number[];
}[] = [
  { name: 'at first twice a second', tookMs: 1, comingsAt: () => ({}), expected: [500, 1000, 1500, 2000] },
  { name: 'a look of 7 ms: a hundredth', tookMs: 7, comingsAt: () => ({}), expected: [500, 1200, 1900] },
  { name: 'a look of 50 ms: never more seldom', tookMs: 50, comingsAt: () => ({}), expected: [500, 1400] },
  {
    name: 'one that ended: at once, and once more',
    tookMs: 1,
    comingsAt: (ms) => ({ endings: ms >= 710 ? 1 : 0 }),
    expected: [500, 710, 810, 1310, 1810],
  },
];

for (const { name, tookMs, comingsAt, expected } of CASES) {
  test(name, () => assert.deepEqual(looks(2000, tookMs, comingsAt), expected));
}

test('threads that end all the time: ten looks a second', () => {
  assert.ok(looks(2000, 1, (ms) => ({ endings: ms })).length <= 20);
});

test('when nothing has begun for a while, every two seconds; when something begins, at once', () => {
  const at = looks(15_000, 1, (ms) => ({ beginnings: ms >= 12_000 ? 1 : 0 })).filter((ms) => ms > 4500);
  assert.deepEqual(at, [6500, 8500, 10_500, 12_000, 12_500, 13_000, 13_500, 14_000, 14_500, 15_000]);
});

test('while no loop is left, twice a second', () => {
  const at = looks(9000, 1, () => ({ watched: 0 })).filter((ms) => ms > 6000);
  assert.deepEqual(at, [6500, 7000, 7500, 8000, 8500, 9000]);
});
