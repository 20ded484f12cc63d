// Goal: every form tells the same figures, loses no loss, and takes names from outside as text. Method: made-up traces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketQuantileNs } from '../../record/bucket-quantiles.ts';
import { cycleBucketHigh, cycleBucketLow, cycleBucketOf } from '../../record/cycle-buckets.ts';
import type { Trace } from '../../record/trace.ts';
import { distributionRows } from './distribution-rows.ts';
import { TRACE_REPORTERS } from './registry.ts';
import { rivalGroups } from './sched-model.ts';
import { sampleFunctions, sampleSched, sampleSyscalls } from './testing/sample-traces.ts';

const PLAIN = { colour: false, columns: null, histogramsOf: [] };
const SAMPLES = { syscalls: sampleSyscalls, sched: sampleSched, functions: sampleFunctions };

function render(form: string, trace: Trace, histogramsOf: string[] = []): string {
  return TRACE_REPORTERS.find(({ name }) => name === form)!.render(trace, { ...PLAIN, histogramsOf });
}

for (const [kind, sample] of Object.entries(SAMPLES)) {
  for (const { name } of TRACE_REPORTERS) {
    test(`${kind} as ${name}: hostile names stay text, and a whole trace says so`, () => {
      const text = render(name, sample());
      if (name === 'json') {
        assert.equal(JSON.parse(text).trace, kind);
        assert.equal(JSON.parse(text).version, 1);
        return;
      }
      assert.ok(!text.includes('\u001b'), 'an escape sequence came through');
      if (name === 'html') assert.doesNotMatch(text, /<img/);
      assert.match(text, /Nothing was lost/);
    });
  }

  test(`${kind}: what was lost is in every form`, () => {
    const trace = sample();
    trace.losses = { threads: 3, rows: 5, unchargedNs: 7e6, skipped: 11, unprobedChildren: 13 };
    for (const form of ['terminal', 'html']) {
      const text = render(form, trace);
      assert.doesNotMatch(text, /Nothing was lost/);
      for (const part of ['3 threads', '5 events', '7.00 ms', '11 events', '13 child processes']) {
        assert.ok(text.includes(part), `${form}: ${part}`);
      }
    }
    assert.deepEqual(JSON.parse(render('json', trace)).losses, trace.losses);
  });

  test(`${kind}: a trace in which nothing happened`, () => {
    const trace = sample();
    trace.threads = [];
    if ('rows' in trace) trace.rows = [];
    if ('edges' in trace) trace.edges = [];
    if ('rivals' in trace) trace.rivals = [];
    trace.durationNs = 0;
    for (const { name } of TRACE_REPORTERS) assert.ok(render(name, trace).length > 50, name);
  });
}

test('system calls: the columns of strace -c in its order, errors by name, and what is not counted', () => {
  const text = render('terminal', sampleSyscalls());
  assert.match(text, /% time +seconds +usecs\/call +calls +errors +syscall/);
  assert.match(text, /0\.00 +0\.000046 +2 +23 +11 +recvfrom/);
  assert.match(text, /total/);
  assert.match(text, /EAGAIN 10, ECONNRESET 1/);
  assert.match(text, /1 call under way at the start returned since, not counted above: epoll_wait 1\./);
  assert.match(text, /1 call under way at the end, not counted above: epoll_wait 1 \(for 2\.00 ms\)/);
  assert.match(text, /2 calls never returned: exit 2/);
  assert.doesNotMatch(text, /^ .* 0 +exit$/m, 'no row for what was never counted');
});

test('system calls: the histogram of the longest, or of those named', () => {
  assert.match(render('terminal', sampleSyscalls()), /^epoll_wait {2}100; p50/m);
  const named = render('terminal', sampleSyscalls(), ['recvfrom', 'fsync']);
  assert.match(named, /^recvfrom {2}23; p50/m);
  assert.doesNotMatch(named, /^epoll_wait {2}100/m);
  assert.match(named, /Not called: fsync/);
});

test('rivals are grouped by process, with cores, and add up', () => {
  const [first, second] = rivalGroups(sampleSched());
  assert.deepEqual([first!.pid, first!.ns, first!.turns], [77, 9e8, 13]);
  assert.deepEqual(first!.cores, [
    { cpu: 1, ns: 6e8 },
    { cpu: 0, ns: 3e8 },
  ]);
  assert.equal(second!.pid, 0);
  assert.match(render('terminal', sampleSched()), /900 ms +90 % +13 +77 .*1: 600 ms, 0: 300 ms/);
  assert.match(render('terminal', sampleSched()), /nobody: the CPU was idle and waking up/);
});

test('functions: the tree ends in a recursion, and oddities are said', () => {
  const text = render('terminal', sampleFunctions());
  assert.match(text, /46\.0 ms +23 +outer/);
  assert.match(text, /\(itself\)/);
  for (const part of [
    '2 calls left without a return',
    '3 calls from within itself',
    '1 call nested more than 64 deep',
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test('histogram rows hold every count, in order, and at most a power of two each', () => {
  const counts = fc.array(fc.nat(5), { minLength: 168, maxLength: 168 });
  fc.assert(
    fc.property(counts, fc.nat(167), fc.nat(167), (all, a, b) => {
      const buckets = all.map((count, i) => (i >= Math.min(a, b) && i <= Math.max(a, b) ? count : 0));
      const rows = distributionRows(buckets);
      const sum = (list: number[]) => list.reduce((total, each) => total + each, 0);
      assert.equal(sum(rows.map((row) => row.count)), sum(buckets));
      rows.forEach((row, i) => {
        assert.ok(row.highNs > row.lowNs && (row.lowNs < 4 || row.highNs <= 2 * row.lowNs));
        if (i > 0) assert.equal(row.lowNs, rows[i - 1]!.highNs);
      });
    }),
  );
});

test('quantiles lie in the bucket of the true one, and never above the maximum', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      fc.pre(q === 1 || values.length * (1 - q) >= 1);
      const buckets = Array<number>(168).fill(0);
      for (const value of values) buckets[cycleBucketOf(value)]!++;
      const sorted = [...values].sort((x, y) => x - y);
      const truth = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9 * sorted.length) - 1)]!;
      const said = bucketQuantileNs(buckets, q, sorted.at(-1)!)!;
      const bucket = cycleBucketOf(truth);
      assert.ok(said >= Math.min(cycleBucketLow(bucket), sorted.at(-1)!) && said <= cycleBucketHigh(bucket));
      assert.ok(said <= sorted.at(-1)!);
    }),
  );
  assert.equal(bucketQuantileNs(Array(168).fill(0), 0.5, 0), null);
});

test('a quantile of too few is none', () => {
  const of = (count: number) => [0, 0, 0, 0, count];
  assert.equal(bucketQuantileNs(of(99), 0.99, 4), null);
  assert.notEqual(bucketQuantileNs(of(100), 0.99, 4), null);
  assert.equal(bucketQuantileNs(of(1), 0.5, 4), null);
  assert.notEqual(bucketQuantileNs(of(2), 0.5, 4), null);
});
