// Goal: the progress line says what is known and always fits on one line. Method: snapshots of a run, any width.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProgressSnapshot, renderProgress, renderProgressLine } from './progress.ts';
import { displayWidth } from './text/width.ts';

const HALF_WAY: ProgressSnapshot = {
  elapsedNs: 5e9,
  durationNs: 10e9,
  load: { planned: 10_000, done: 9_990, failed: 0, inFlight: 3, waiting: 0 },
  stallCount: 2,
};

test('half way', () => {
  const line = renderProgress(HALF_WAY, { columns: 100 });
  assert.equal(line, '━━━━━━━━━━────────── 5.0/10.0 s  9990 answered  1998/s  3 in flight  2 stalls');
});

test('failures and requests without a connection are not hidden', () => {
  const load = { ...HALF_WAY.load!, failed: 7, waiting: 120 };
  assert.match(renderProgress({ ...HALF_WAY, load }, { columns: 120 }), /120 waiting {2}7 FAILED/);
});

test('what is not measured is not mentioned', () => {
  const watching = renderProgress({ ...HALF_WAY, load: null, stallCount: 1 }, { columns: 100 });
  assert.equal(watching, '━━━━━━━━━━────────── 5.0/10.0 s  1 stall');
  const driving = renderProgress({ ...HALF_WAY, stallCount: null }, { columns: 100 });
  assert.doesNotMatch(driving, /stall/);
});

test('it never reaches the last column, where a terminal would wrap', () => {
  for (let columns = 1; columns < 120; columns++) {
    assert.ok(displayWidth(renderProgress(HALF_WAY, { columns })) < Math.max(2, columns));
  }
});

test('odd times draw no odd bars', () => {
  for (const [elapsedNs, durationNs] of [
    [0, 0],
    [-1, 10e9],
    [99e9, 10e9],
  ] as const) {
    const line = renderProgress({ ...HALF_WAY, elapsedNs, durationNs }, { columns: 100 });
    assert.equal([...line.split(' ')[0]!].length, 20, line);
  }
});

test('a log gets whole lines without a bar', () => {
  assert.equal(
    renderProgressLine(HALF_WAY),
    '5.0/10.0 s  9990 answered  1998/s  3 in flight  2 stalls (5.00 s to go)\n',
  );
});
