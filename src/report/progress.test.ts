// Goal: progress says what is known, stands still, and always fits. Method: snapshots of a run as it goes, any width.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProgressSnapshot, ProgressView } from './progress.ts';
import { sparkline } from './text/sparkline.ts';
import { displayWidth } from './text/width.ts';

const LATENCY = { p50Ns: 43_900, p99Ns: 701_000, recentP99Ns: 650_000 };

function at(elapsedSec: number, more: Partial<NonNullable<ProgressSnapshot['load']>> = {}): ProgressSnapshot {
  const planned = Math.round(elapsedSec * 2000);
  return {
    elapsedNs: elapsedSec * 1e9,
    durationNs: 10e9,
    load: { planned, done: planned - 3, failed: 0, inFlight: 3, waiting: 0, ...more },
    stallCount: null,
  };
}

function viewOf(...snapshots: ProgressSnapshot[]): ProgressView {
  const view = new ProgressView();
  for (const snapshot of snapshots) view.add(snapshot);
  return view;
}

const quarters = (toSec: number, more = {}) =>
  Array.from({ length: toSec * 4 }, (_, i) => at((i + 1) / 4, more));

test('half way, latency known', () => {
  const lines = viewOf(...quarters(5, { latency: LATENCY })).lines(120);
  assert.deepEqual(lines, [
    '━━━━━━━━━━──────────  5.0/10.0 s    2000/s asked    2000/s held  p50 43.9 µs  p99  701 µs',
    '████████████████████ p99  3 in flight  5.0 s left',
  ]);
});

test('nothing known of latency: the picture is of the rate', () => {
  const lines = viewOf(...quarters(5)).lines(120);
  assert.doesNotMatch(lines[0]!, /p99/);
  assert.equal(lines[1], ' ███████████████████ held  3 in flight  5.0 s left');
});

test('a closed loop asks for nothing', () => {
  const view = new ProgressView({ closedLoop: true });
  for (const snapshot of quarters(2)) view.add(snapshot);
  assert.match(view.lines(120).join('\n'), /10\.0 s {4}2000\/s answered\n.* answered {2}3 in flight/);
  assert.doesNotMatch(view.lines(120).join(), /asked/);
});

test('of so many requests, those that have their end tell how far it is', () => {
  const view = new ProgressView({ closedLoop: true, requestLimit: 8000 });
  for (const snapshot of quarters(2)) view.add({ ...snapshot, durationNs: 24 * 3600e9 });
  const text = view.lines(120).join('\n');
  assert.match(text, /^━{9,10}─{10,11} {2}\S+ of 8\S* ?k? done, 2\.0 s/);
  assert.doesNotMatch(text, /left|86400/);
  assert.match(view.logLine(), /^\S+ .*of .* done, 2\.0 s/);
});

test('a log that is replayed to its end: nobody knows when that is, but how far it is read', () => {
  const replay = { readBytes: 450, totalBytes: 1000 };
  const endless = quarters(5, { replay }).map((each) => ({ ...each, durationNs: Number.POSITIVE_INFINITY }));
  const view = viewOf(...endless);
  assert.match(view.lines(120)[0]!, /^5\.0 s, 45 % of the log read +2000\/s asked/);
  assert.doesNotMatch(view.lines(120).join(), /left|Infinity/);
  const waiting = viewOf(at(1, { planned: 0, done: 0, replay }));
  assert.match(waiting.lines(120)[0]!, /^reading the log, 45 % of it/);
  assert.equal(waiting.logLine(), '1.0 s, reading the log, 45 % of it\n');
  assert.match(view.logLine(), /^5\.0 s, 45 % of the log read +2000\/s asked/);
});

test('rates are those of the last second', () => {
  const before = quarters(4);
  const stuck = at(5, { done: before.at(-1)!.load!.done });
  assert.match(viewOf(...before, stuck).lines(120)[0]!, / 2000\/s asked +0\/s held/);
});

test('failures and requests without a connection are not hidden, however narrow', () => {
  const before = at(4.75, { failed: 3 });
  const view = viewOf(before, at(5, { failed: 7, waiting: 120 }));
  assert.match(view.lines(120)[1]!, /3 in flight {2}120 waiting {2}7 FAILED, rising {2}5\.0 s left/);
  assert.match(view.lines(45).join(''), /FAILED/);
});

test('what is not measured is not mentioned', () => {
  assert.deepEqual(viewOf({ ...at(5), load: null, stallCount: 1 }).lines(100), [
    '━━━━━━━━━━──────────  5.0/10.0 s  1 stall  5.0 s left',
  ]);
  assert.doesNotMatch(viewOf(at(5)).lines(100).join(''), /stall/);
  assert.deepEqual(new ProgressView().lines(100), []);
});

test('the end that the user asked for is acknowledged', () => {
  const view = viewOf(at(5));
  view.ending = true;
  assert.match(view.lines(80)[1]!, /ending the run {2}Ctrl-C again quits at once/);
  assert.match(view.lines(50)[0]!, /ending the run/);
});

test('no line reaches the end of the terminal, even with ^C behind it', () => {
  const view = viewOf(...quarters(5, { latency: LATENCY, failed: 1234, waiting: 99_999 }));
  for (let columns = 4; columns < 140; columns++) {
    for (const line of view.lines(columns))
      assert.ok(displayWidth(line) <= columns - 3, `${columns}: ${line}`);
  }
});

test('figures stand still while they change', () => {
  const slow = viewOf(at(1), at(2, { done: 2005 })).lines(120)[0]!;
  const fast = viewOf(at(1), at(2, { done: 1_300_000 })).lines(120)[0]!;
  assert.equal(slow.indexOf('held'), fast.indexOf('held'));
});

test('odd times draw no odd bars', () => {
  for (const [elapsedNs, durationNs] of [
    [0, 0],
    [-1, 10e9],
    [99e9, 10e9],
  ] as const) {
    const line = viewOf({ ...at(5), elapsedNs, durationNs }).lines(100)[0]!;
    assert.equal([...line.split(' ')[0]!].length, 20, line);
    assert.doesNotMatch(line, /NaN|Infinity|-\d/);
  }
});

test('a log gets whole lines in ASCII, without pictures', () => {
  const line = viewOf(...quarters(5, { latency: LATENCY })).logLine();
  assert.equal(
    line,
    '5.0 of 10.0 s  2000/s asked  2000/s held  p50 43.9 us  p99  701 us  3 in flight  5.0 s left\n',
  );
});

test('a sparkline: newest at the right, gaps stay gaps, small noise stays small', () => {
  assert.equal(sparkline([0, 50, 100], 5), '  ▁▅█');
  assert.equal(sparkline([1, 2, 3, 4], 2), '▇█');
  assert.equal(sparkline([100, null, 100], 3, 'log'), '█ █');
  assert.equal(sparkline([1000, 700, 1000], 3, 'log'), '█▇█');
  assert.equal(sparkline([], 3), '   ');
  assert.equal(sparkline([0, 0], 2), '▁▁');
});
