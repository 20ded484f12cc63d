// Goal: the two costs are found again, and nothing is claimed where they cannot be told apart.
// Method: made-up windows with known costs and seeded noise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../base/prng.ts';
import { type FitPoint, fitCpu } from './cpu-fit.ts';

const EVENT_NS = 6000;
const WAKE_UP_NS = 11_000;

/** `perWakeUp` events at a time. */
function windows(perWakeUp: number, events: number, count: number, noise = 0): FitPoint[] {
  const prng = createPrng(7, perWakeUp);
  return Array.from({ length: count }, () => {
    const wakeUps = events / perWakeUp;
    const cpuNs = (EVENT_NS * events + WAKE_UP_NS * wakeUps) * (1 + noise * (prng.next() - 0.5));
    return { events, wakeUps, cpuNs };
  });
}

test('lock-step and independent arrivals at one rate give both costs', () => {
  const fit = fitCpu([...windows(40, 500, 10, 0.1), ...windows(1, 500, 10, 0.1)])!;
  assert.ok(Math.abs(fit.eventNs / EVENT_NS - 1) < 0.1, `${fit.eventNs}`);
  assert.ok(Math.abs(fit.wakeUpNs / WAKE_UP_NS - 1) < 0.1, `${fit.wakeUpNs}`);
  assert.ok(fit.r2 > 0.95 && fit.wakeUpErrorNs < 1000);
});

test('one shape at several rates says nothing: events and wake-ups move together', () => {
  assert.equal(fitCpu([...windows(1, 500, 10), ...windows(1, 1000, 10), ...windows(1, 2000, 10)]), null);
});

test('too few windows, idle windows and costs that neither explains give no fit', () => {
  assert.equal(fitCpu([...windows(40, 500, 3), ...windows(1, 500, 3)]), null);
  assert.equal(fitCpu(Array.from({ length: 20 }, () => ({ events: 0, wakeUps: 0, cpuNs: 0 }))), null);
  const prng = createPrng(3, 1);
  const random = [...windows(40, 500, 20), ...windows(1, 500, 20)].map((point) => ({
    ...point,
    cpuNs: 1e6 * prng.next(),
  }));
  assert.equal(fitCpu(random), null);
});
