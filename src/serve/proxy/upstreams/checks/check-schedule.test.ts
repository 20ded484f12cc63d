// Goal: checks of 20 000 upstreams come evenly: in the first round, in the long run, and after a stall; and the bad way,
// which the lab needs, does not. Method: a clock that moves in steps of a millisecond, counts in bins of 100 ms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashText } from '../lists/mix.ts';
import { CheckSchedule, type ScheduleOptions } from './check-schedule.ts';

const MS = 1e6;
const COUNT = 20_000;
const INTERVAL_NS = 5000 * MS;
const MEAN = COUNT / 50;

function schedule(options: Partial<ScheduleOptions> = {}): CheckSchedule {
  const made = new CheckSchedule({
    limit: COUNT,
    intervalNs: INTERVAL_NS,
    jitterShare: 0.1,
    synchronised: false,
    seed: 1,
    ...options,
  });
  for (let slot = 0; slot < COUNT; slot++) {
    made.add(slot, hashText(`127.${slot >> 14}.${(slot >> 7) & 127}.${slot & 127}:8000`), 0);
  }
  return made;
}

/** Checks in each bin of 100 ms from `fromMs` on. */
function bins(
  of: CheckSchedule,
  fromMs: number,
  binCount: number,
  onCheck = (_slot: number) => {},
): number[] {
  return Array.from({ length: binCount }, (_, bin) => {
    let checks = 0;
    for (let ms = 0; ms < 100; ms++) {
      const nowNs = (fromMs + bin * 100 + ms) * MS;
      // As a loop does: a call that has dropped its fill returns none, and the next cycle, at once, goes on.
      while (of.nextNs <= nowNs) {
        const slot = of.take(nowNs);
        if (slot < 0) continue;
        checks++;
        onCheck(slot);
      }
    }
    return checks;
  });
}

function dispersion(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (counts.length - 1) / mean;
}

test('the first round is spread over one interval, and meets everybody once', () => {
  const seen = new Set<number>();
  const of = schedule();
  const first = bins(of, 0, 50, (slot) => seen.add(slot));
  assert.ok(dispersion(first) <= 1.5, `dispersion ${dispersion(first)}`);
  assert.ok(Math.max(...first) < 2 * MEAN, `${Math.max(...first)} in one bin`);
  // An interval may be a tenth longer.
  bins(of, 5000, 5, (slot) => seen.add(slot));
  assert.equal(seen.size, COUNT);
});

test('in the long run checks come as one by one, each an interval after the last, give or take a tenth', () => {
  const of = schedule();
  const counts = new Uint32Array(COUNT);
  const found = bins(of, 0, 600, (slot) => counts[slot]!++);
  for (let i = 0; i < 600; i += 100) {
    const part = found.slice(i, i + 100);
    assert.ok(dispersion(part) <= 1.5, `dispersion ${dispersion(part)} from bin ${i}`);
  }
  assert.ok(Math.max(...found) < 2 * MEAN);
  for (const count of counts) assert.ok(count >= 10 && count <= 13, `${count} checks in 60 s`);
  assert.equal(of.missedCount, 0);
});

test('what ten seconds of standing still made impossible is dropped, counted, and not caught up', () => {
  const of = schedule();
  bins(of, 0, 120);
  const after = bins(of, 22_000, 150);
  assert.ok(Math.max(...after) <= 2 * MEAN, `${after.slice(0, 10)}`);
  assert.ok(Math.min(...after) >= MEAN / 2, `nor is there a hole: ${Math.min(...after)}`);
  assert.ok(dispersion(after) <= 1.5, `dispersion ${dispersion(after)}`);
  assert.ok(Math.abs(of.missedCount - 2 * COUNT) < COUNT / 5, `${of.missedCount} missed`);
});

test('upstreams that come all at once later are spread as well', () => {
  const of = schedule();
  bins(of, 0, 33);
  for (let slot = 0; slot < COUNT; slot += 2) of.remove(slot);
  for (let slot = 0; slot < COUNT; slot += 2)
    of.add(slot, hashText(`127.9.${slot >> 8}.${slot & 255}:1`), 3300 * MS);
  const found = bins(of, 3300, 100);
  assert.ok(dispersion(found) <= 1.5, `dispersion ${dispersion(found)}`);
});

test('two proxies do not check one upstream at the same moments', () => {
  const [one, other] = [1, 2].map((seed) => {
    const of = schedule({ seed });
    const firstMs = new Float64Array(COUNT).fill(-1);
    for (let ms = 0; ms < 5000; ms++) {
      for (let slot = of.take(ms * MS); slot >= 0; slot = of.take(ms * MS))
        if (firstMs[slot]! < 0) firstMs[slot] = ms;
    }
    return firstMs;
  }) as [Float64Array, Float64Array];
  const near = one.filter((ms, slot) => Math.abs(ms - other[slot]!) < 100).length;
  assert.ok(near < COUNT * 0.06, `${near} within 100 ms`);
});

test('one that is removed is not checked', () => {
  const of = schedule();
  for (let slot = 1; slot < COUNT; slot++) of.remove(slot);
  const seen = new Set<number>();
  bins(of, 0, 200, (slot) => seen.add(slot));
  assert.deepEqual([...seen], [0]);
  of.remove(0);
  assert.equal(of.nextNs, Number.POSITIVE_INFINITY);
});

test('the bad way is bad: all at once, always, and after a stall again', () => {
  const of = schedule({ synchronised: true, jitterShare: 0 });
  const found = bins(of, 0, 100);
  assert.deepEqual([found[0], found[50], found.filter((count) => count > 0).length], [COUNT, COUNT, 2]);
  const after = bins(of, 22_000, 60);
  assert.deepEqual([after[0], after[50]], [COUNT, COUNT]);
});
