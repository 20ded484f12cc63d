// Goal: the small structures of a load thread behave as their plain counterparts. Method: properties against lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPrng } from '../base/prng.ts';
import { drain, indexOfDispersion } from '../plan/arrivals/arrival.contract.ts';
import { ARRIVALS } from '../plan/arrivals/registry.ts';
import { OutcomeRecorder } from './flight/outcome-recorder.ts';
import { DeadlineList } from './lists/deadline-list.ts';
import { DueQueue } from './lists/due-queue.ts';
import { IdleRing } from './lists/idle-ring.ts';
import { WakeHeap } from './lists/wake-heap.ts';
import { MAX_BACKOFF_NS, Retries } from './supply/retries.ts';
import { ARRIVAL_BINS, ArrivalBinWriter, ArrivalReader } from './tally/arrival-bins.ts';
import { SLOT_COUNT, SlotReader, SlotWriter, type SparseBlock } from './tally/block-slots.ts';
import { GAP_BYTES, GapWriter, lagOneCorrelation } from './tally/send-gaps.ts';
import { SLOWEST_LIMIT, Slowest } from './tally/slowest.ts';
import { COUNTER, createThreadMemory } from './tally/thread-memory.ts';
import { readThrottledNs } from './tally/throttling.ts';
import { threadError } from './thread/thread-error.ts';

test('DueQueue: first in, first out, bounded', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.boolean(), { maxLength: 60 }),
      (limit, pushes) => {
        const queue = new DueQueue(limit);
        const plain: number[] = [];
        pushes.forEach((push, i) => {
          if (push && !queue.isFull) {
            queue.push(i);
            plain.push(i);
          } else if (!push && queue.length > 0) assert.equal(queue.shift(), plain.shift());
          assert.equal(queue.length, plain.length);
          assert.equal(queue.isFull, plain.length === limit);
        });
      },
    ),
  );
});

test('IdleRing: in turn, never twice', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1, max: 7 }), { maxLength: 80 }), (steps) => {
      const ring = new IdleRing(8);
      const plain: number[] = [];
      for (const step of steps) {
        if (step >= 0) {
          ring.push(step);
          if (!plain.includes(step)) plain.push(step);
        } else if (ring.length > 0) assert.equal(ring.shift(), plain.shift());
        assert.equal(ring.length, plain.length);
      }
    }),
  );
});

test('DeadlineList: the oldest expires first, any may leave', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(7), fc.boolean()), { maxLength: 80 }), (steps) => {
      const list = new DeadlineList(8);
      let plain: { conn: number; atNs: number }[] = [];
      steps.forEach(([conn, add], i) => {
        const isIn = plain.some((entry) => entry.conn === conn);
        if (add && !isIn) {
          list.add(conn, i * 10);
          plain.push({ conn, atNs: i * 10 });
        } else if (!add && isIn) {
          list.remove(conn);
          plain = plain.filter((entry) => entry.conn !== conn);
        }
        assert.equal(list.earliestNs, plain[0]?.atNs ?? Number.POSITIVE_INFINITY);
        assert.equal(list.expired(i * 10), plain[0]?.conn ?? -1);
        assert.equal(list.expired((plain[0]?.atNs ?? 0) - 1), -1);
      });
    }),
  );
});

test('Retries: a place is tried once at first, then ever more seldom, and all together no faster than asked', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer(), (placeCount, seed) => {
      const retries = new Retries(placeCount, 100, createPrng(seed).next);
      const triedAtNs = Array.from({ length: placeCount }, () => [] as number[]);
      for (let nowNs = 0; nowNs <= 3e9; nowNs += 1e6) {
        for (let place = retries.next(nowNs, false); place >= 0; place = retries.next(nowNs, false)) {
          triedAtNs[place]!.push(nowNs);
          retries.later(place, nowNs);
        }
        assert.ok(retries.waitNs(nowNs) > 0);
        assert.equal(retries.missingCount, placeCount);
      }
      const tries = triedAtNs.reduce((sum, times) => sum + times.length, 0);
      assert.ok(tries <= placeCount + 10 + 300 + 1, `${tries} tries`);
      for (const [first, ...later] of triedAtNs) {
        assert.equal(first, 0);
        later.reduce((before, atNs, i) => {
          assert.ok(atNs - before >= Math.min(MAX_BACKOFF_NS, 5e6 * 2 ** i) / 2 - 1);
          return atNs;
        }, first!);
      }
    }),
    { numRuns: 20 },
  );
});

test('Retries: patience is a place’s own, and what is of use ends it', () => {
  const retries = new Retries(2, 100, () => 0.5);
  assert.deepEqual([retries.next(0, false), retries.next(0, false)], [0, 1]);
  for (let i = 0; i < 3; i++) {
    retries.later(0, 0);
    assert.equal(retries.any(), 0);
  }
  retries.again(1, 0, 0);
  assert.equal(retries.next(0, false), 1, 'at once, whatever the other was told');
  assert.deepEqual([retries.backoffNs(0), retries.backoffNs(1)], [20e6, 0]);
  retries.again(0, 1e6, 0);
  assert.equal(retries.backoffNs(0), 10e6, 'a short joy halves it');
  assert.equal(retries.next(1e6, false), -1);
  assert.equal(retries.any(), 0);
  retries.again(0, 10e6, 0);
  assert.equal(retries.backoffNs(0), 0, 'one that lasted ends it');
});

test('Retries: one that proved itself invites two more, however long they were to wait', () => {
  const retries = new Retries(8, 1, () => 1);
  for (let place = 0; place < 8; place++) assert.equal(retries.next(0, false), place);
  for (let place = 0; place < 8; place++) retries.later(place, 0);
  const backNs = 1e6;
  assert.equal(retries.next(backNs, false), -1);
  const first = retries.any();
  retries.proved(first);
  assert.ok(retries.next(backNs, false) >= 0);
  assert.ok(retries.next(backNs, false) >= 0);
  assert.equal(retries.next(backNs, false), -1, 'no third');
});

test('Slowest: the two hundred slowest, slowest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1e6 }), { maxLength: 600 }), (times) => {
      const slowest = new Slowest();
      for (const time of times) slowest.offer(time, 10, 0, 0, 10 + time, 'ok');
      const expected = [...times].sort((a, b) => b - a).slice(0, SLOWEST_LIMIT);
      const records = slowest.records();
      assert.deepEqual(
        records.map(({ responseNs }) => responseNs),
        expected,
      );
      for (const { outcome } of records) assert.equal(outcome.sentNs, null);
    }),
    { numRuns: 30 },
  );
});

const RUN_NS = 40e9;

test('arrival bins: dispersion over threads equals that of the whole list, while it is read along the way', () => {
  for (const name of ['constant', 'poisson', 'synced'] as const) {
    const times = drain(
      ARRIVALS[name].createSchedule({ ratePerSec: 700, durationNs: RUN_NS, connectionCount: 20, seed: 5 }),
    );
    const memories = [createThreadMemory().sentBins, createThreadMemory().sentBins];
    const writers = memories.map((memory) => new ArrivalBinWriter(memory));
    const reader = new ArrivalReader(memories, 1e9, RUN_NS);
    times.forEach((atNs, i) => {
      writers[i % 2]!.add(atNs);
      if (i % 5000 === 0) reader.collect();
    });
    for (const writer of writers) writer.advanceTo(RUN_NS);
    reader.collect(RUN_NS);
    const measured = times.filter((atNs) => atNs >= 1e9).map((atNs) => atNs - 1e9);
    const expected = (windowNs: number) => indexOfDispersion(measured, RUN_NS - 1e9, windowNs);
    const { idc1ms, idc10ms, idc100ms } = reader.dispersion();
    assert.ok(Math.abs(idc1ms - expected(1e6)) < 1e-6, `${name}: ${idc1ms}`);
    assert.ok(Math.abs(idc10ms - expected(10e6)) < 1e-6, `${name}: ${idc10ms}`);
    assert.ok(Math.abs(idc100ms - expected(100e6)) < 1e-6, `${name}: ${idc100ms}`);
    assert.equal(reader.arrivalCount, measured.length);
    assert.equal(reader.lostBinCount, 0);
  }
});

test('arrival bins: of a run that ended early, only the time it took counts', () => {
  const schedule = { ratePerSec: 700, durationNs: 5e9, connectionCount: 20, seed: 5 };
  const times = drain(ARRIVALS.poisson.createSchedule(schedule));
  const { sentBins } = createThreadMemory();
  const writer = new ArrivalBinWriter(sentBins);
  const reader = new ArrivalReader([sentBins], 0, RUN_NS);
  for (const atNs of times) writer.add(atNs);
  reader.collect(5e9);
  const { idc100ms } = reader.dispersion();
  assert.ok(Math.abs(idc100ms - indexOfDispersion(times, 5e9, 100e6)) < 1e-6, `${idc100ms}`);
});

test('arrival bins: what was overwritten before it was read is told', () => {
  const { sentBins } = createThreadMemory();
  const writer = new ArrivalBinWriter(sentBins);
  const reader = new ArrivalReader([sentBins], 0, 1e12);
  writer.add(0);
  writer.add((ARRIVAL_BINS + 99) * 1e6);
  reader.collect();
  assert.equal(reader.lostBinCount, 100);
});

test('slots: nothing recorded is lost, even when nobody reads for long', () => {
  const { slots } = createThreadMemory();
  const writer = new SlotWriter(slots);
  const reader = new SlotReader(slots, 3);
  const taken: SparseBlock[] = [];
  let slot = writer.begin(0);
  const seconds = 3 * SLOT_COUNT;
  for (let second = 0; second < seconds; second++) {
    for (let i = 0; i < 10; i++) slot.answered(second * 1000 + i, i);
    slot.counts[1]! += 10;
    const next = writer.next((second + 1) * 1e9);
    if (next !== null) {
      writer.close(slot, (second + 1) * 1e9);
      slot = next;
    }
    // Nobody reads in the first two thirds.
    if (second > 2 * SLOT_COUNT) reader.collect((block) => taken.push(block));
  }
  writer.close(slot, seconds * 1e9);
  reader.collect((block) => taken.push(block));
  const sum = (pick: (block: SparseBlock) => number) =>
    taken.reduce((total, block) => total + pick(block), 0);
  assert.equal(
    sum((block) => block.histograms.response.filter((_, i) => i % 2 === 1).reduce((a, b) => a + b, 0)),
    seconds * 10,
  );
  assert.equal(
    sum((block) => block.counts[1]!),
    seconds * 10,
  );
  assert.equal(
    sum((block) => block.endNs - block.startNs),
    seconds * 1e9,
    'the blocks cover the run without gap or overlap',
  );
  assert.ok(taken.every((block) => block.threadIndex === 3));
});

test('recorder: blocks end with the second and where they are cut, and nothing falls between', () => {
  const memory = createThreadMemory();
  const recorder = new OutcomeRecorder(memory, null);
  const [startNs, measuredFromNs, endNs] = [1e9, 1.3e9, 4e9];
  // One cut lies in the warm-up, one on the end of a second.
  recorder.begin(startNs, measuredFromNs, endNs, [1.2e9, 1.8e9, 2.3e9, 2.9e9, 4e9]);
  for (let nowNs = startNs; nowNs < endNs; nowNs += 1e6) {
    recorder.rotate(nowNs);
    recorder.planned(nowNs);
  }
  recorder.finish(endNs);
  const blocks: SparseBlock[] = [];
  new SlotReader(memory.slots, 0).collect((block) => blocks.push(block));
  blocks.sort((a, b) => a.startNs - b.startNs);
  assert.deepEqual(
    blocks.map((block) => [block.startNs / 1e9, block.endNs / 1e9, block.counts[COUNTER.planned]]),
    [
      [1, 1.3, 300],
      [1.3, 1.8, 500],
      [1.8, 2.3, 500],
      [2.3, 2.9, 600],
      [2.9, 3.3, 400],
      [3.3, 4, 700],
    ],
  );
});

test('our own throttling is a time, or null without a quota', () => {
  const throttledNs = readThrottledNs();
  assert.ok(throttledNs === null || throttledNs >= 0);
});

test('WakeHeap: the earliest wakes first, and whoever is lost never wakes', () => {
  const sleeper = fc.record({ wakeNs: fc.nat(50), isLost: fc.boolean() });
  fc.assert(
    fc.property(fc.array(sleeper, { maxLength: 40 }), (sleepers) => {
      const heap = new WakeHeap(40);
      for (const [conn, { wakeNs }] of sleepers.entries()) heap.push(conn, wakeNs);
      for (const [conn, { isLost }] of sleepers.entries()) if (isLost) heap.remove(conn);
      const woken: number[] = [];
      const conns: number[] = [];
      for (; heap.length > 0; heap.shift()) {
        woken.push(heap.earliestNs);
        conns.push(heap.earliest);
      }
      const expected = sleepers.filter(({ isLost }) => !isLost).map(({ wakeNs }) => wakeNs);
      assert.deepEqual(
        woken,
        expected.sort((a, b) => a - b),
      );
      assert.ok(conns.every((conn) => !sleepers[conn]!.isLost));
      assert.equal(heap.earliestNs, Number.POSITIVE_INFINITY);
    }),
  );
});

test('DeadlineList: insert() keeps the order whatever the deadlines', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 30 }), (deadlines) => {
      const list = new DeadlineList(30);
      for (const [conn, atNs] of deadlines.entries()) list.insert(conn, atNs);
      const seen: number[] = [];
      for (let conn = list.expired(20); conn >= 0; conn = list.expired(20)) {
        seen.push(deadlines[conn]!);
        list.remove(conn);
      }
      assert.deepEqual(
        seen,
        [...deadlines].sort((a, b) => a - b),
      );
    }),
  );
});

test('lag-one correlation of gaps: alternating gaps −1, equal pairs above 0, a few gaps unknown', () => {
  const gapsOf = (times: readonly number[]) => {
    const memory = new SharedArrayBuffer(GAP_BYTES);
    const writer = new GapWriter(memory, new Float64Array(2));
    for (const atNs of times) writer.sent(atNs, true);
    return lagOneCorrelation([memory]);
  };
  const times = (gap: (i: number) => number, count = 2000) => {
    let atNs = 0;
    return Array.from({ length: count }, (_, i) => (atNs += gap(i)));
  };
  assert.ok(gapsOf(times((i) => (i % 2 === 0 ? 10e3 : 90e3)))! < -0.9);
  assert.ok(gapsOf(times((i) => (i % 20 < 10 ? 10e3 : 90e3)))! > 0.5);
  const prng = createPrng(1);
  assert.ok(Math.abs(gapsOf(times(() => prng.exponential(50e3), 20_000))!) < 0.03);
  assert.equal(gapsOf(times(() => 1e3, 50)), null);
});

test('what a thread could not start with is told as the kernel’s refusal, a bug as one', () => {
  const noWorker = Object.assign(new Error('Worker initialization failure: EMFILE'), {
    code: 'ERR_WORKER_INIT_FAILED',
  });
  const noFile = Object.assign(new Error("EMFILE: too many open files, open '/x'"), { code: 'EMFILE' });
  const noModule = new Error('Cannot read package config /x/package.json: too many open files.');
  for (const error of [noWorker, noFile, noModule]) {
    const { code, message, hint } = threadError(error);
    assert.deepEqual([code, hint], ['SYSCALL', 'raise the limit: ulimit -n 65536']);
    assert.match(message, /^start of a load thread: EMFILE \(24\): /);
  }
  assert.equal(
    threadError(Object.assign(new Error('x'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })).code,
    'SYSCALL',
  );
  assert.match(
    threadError(new TypeError('no such thing')).message,
    /a load thread failed: TypeError: no such/,
  );
  assert.equal(threadError(new TypeError('x')).code, 'INTERNAL');
});
