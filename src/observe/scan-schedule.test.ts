// Goal: looks are neither too dear nor too late. Method: times given by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScanSchedule } from './scan-schedule.ts';

const MS = 1e6;

/** The times, in ms, at which it looks within a span, asked every 10 ms. */
function looks(spanMs: number, tookMs: number, endingsAt: (ms: number) => number): number[] {
  const schedule = createScanSchedule(0);
  const at: number[] = [];
  for (let ms = 10; ms <= spanMs; ms += 10) {
    if (!schedule.isDue(ms * MS, endingsAt(ms))) continue;
    at.push(ms);
    schedule.looked(ms * MS, tookMs * MS);
  }
  return at;
}

const CASES: { name: string; tookMs: number; endingsAt: (ms: number) => number; expected: number[] }[] = [
  { name: 'twice a second', tookMs: 1, endingsAt: () => 0, expected: [500, 1000, 1500, 2000] },
  { name: 'a look of 7 ms: a hundredth', tookMs: 7, endingsAt: () => 0, expected: [500, 1200, 1900] },
  { name: 'a look of 50 ms: never more seldom', tookMs: 50, endingsAt: () => 0, expected: [500, 1400] },
  {
    name: 'one that ended: at once, and once more',
    tookMs: 1,
    endingsAt: (ms) => (ms >= 710 ? 1 : 0),
    expected: [500, 710, 810, 1310, 1810],
  },
];

for (const { name, tookMs, endingsAt, expected } of CASES) {
  test(name, () => assert.deepEqual(looks(2000, tookMs, endingsAt), expected));
}

test('threads that end all the time: ten looks a second', () => {
  assert.ok(looks(2000, 1, (ms) => ms).length <= 20);
});
