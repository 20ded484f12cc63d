// Goal: a wrong clock costs no more than its own lines: one that jumps and comes back, however often, is refused; one that was
// set for good is followed; the end of summer time is neither. Method: logs with planted stamps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEGIN_SEC, logFolder, replayed, timed } from '../testing/replayed.ts';

const LEAPS: [name: string, offsetsSec: number[], sent: number, clockLines: number[]][] = [
  ['a leap ahead that comes back is refused', [0, 1, 90_000, 2, 3], 4, [3]],
  ['two hours of quiet are none', [0, 1, 7200, 7201], 4, []],
  ['the first line may be the wrong one', [900_000, 0, 1, 2], 3, [1]],
  ['the last line is believed an hour ahead', [0, 1, 3000], 3, []],
  ['and no further', [0, 1, 90_000], 2, [3]],
  ['a line alone', [0], 1, []],
  ['minutes between all lines', [0, 300, 600, 900], 4, []],
  ['a leap at each second line', [0, 1, 90_000, 2, 80_000, 3], 4, [3, 5]],
  ['two wrong ones in a row do not confirm each other', [0, 1, 90_000, 90_001, 2, 3, 4], 5, [3, 4]],
  ['nor five', [...steps(0, 20), ...steps(90_000, 5), ...steps(20, 20)], 40, [21, 22, 23, 24, 25]],
  [
    'nor five, each ahead of the one before',
    [0, 1, ...steps(5000, 5, 5000), ...steps(2, 20)],
    22,
    [3, 4, 5, 6, 7],
  ],
  [
    'two jumps that come back',
    [...steps(0, 9), 7e6, 7e6, ...steps(9, 9), 8e6, ...steps(18, 9)],
    27,
    [10, 11, 21],
  ],
  ['two first lines may be wrong', [900_000, 900_001, ...steps(0, 9)], 9, [1, 2]],
  ['for good', [...steps(0, 20), ...steps(90_000, 20)], 40, []],
  [
    'for good, with old lines still coming',
    [...steps(0, 20), 9e4, 20, 90_001, 21, ...steps(90_002, 9)],
    33,
    [],
  ],
  [
    'for good, a wrong one behind it',
    [...steps(0, 20), ...steps(7200, 2), 9e6, ...steps(7202, 20)],
    42,
    [23],
  ],
  ['for good, the first too far', [...steps(0, 20), 9e6, ...steps(7200, 20)], 40, [21]],
  ['at the end, where few tell', [...steps(0, 20), 90_000, 90_001], 22, []],
  ['a year’s last midnight', steps(32 * 86_400 + 61_505 - 3, 6), 6, []],
];

/** So many, one step after another. */
function steps(from: number, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, i) => from + i * step);
}

for (const [name, offsets, sent, clockLines] of LEAPS) {
  test(`a clock that leaps: ${name}`, async () => {
    using folder = logFolder();
    const path = folder.write('log', offsets.map((at) => timed(at, 0)).join('\n'));
    const { requests, summary } = await replayed({ files: [path] });
    assert.equal(requests.length, sent);
    const clock = summary.refused.find(({ meaning }) => meaning === 'a clock that jumped and came back');
    assert.deepEqual(clock?.firstAt.map(({ line }) => line) ?? [], clockLines);
    assert.equal(summary.lineCount, requests.length + (clock?.count ?? 0));
  });
}

/** A JSON line; its clock shows `zoneSec` more than Greenwich, and may not say so. */
function localLine(offsetSec: number, zoneSec: number, saysZone: boolean): string {
  const clock = new Date((BEGIN_SEC + offsetSec + zoneSec) * 1000).toISOString().slice(0, 23);
  const time = saysZone ? `${clock}+0${zoneSec / 3600}:00` : clock;
  return JSON.stringify({ time, method: 'GET', path: `/${offsetSec}` });
}

for (const saysZone of [true, false]) {
  test(`summer time ends, and begins again, by a clock that ${saysZone ? 'says' : 'does not say'} its zone`, async () => {
    using folder = logFolder();
    const summer = steps(0, 60, 60);
    const winter = steps(3600, 90, 60);
    const lines = [
      ...summer.map((at) => localLine(at, 7200, saysZone)),
      ...winter.map((at) => localLine(at, 3600, saysZone)),
      ...steps(9000, 30, 60).map((at) => localLine(at, 7200, saysZone)),
    ];
    const path = folder.write('log', lines.join('\n'));
    const { requests, summary } = await replayed({
      files: [path],
      fields: 'time=time,method=method,path=path',
    });
    assert.deepEqual(summary.refused, []);
    assert.deepEqual(
      requests.map(({ plannedNs }) => plannedNs / 1e9),
      steps(0, 180, 60),
    );
    assert.equal(summary.remarks.length, saysZone ? 0 : 1);
    if (!saysZone) assert.match(summary.remarks[0]!, /log: its stamps have no zone and go back by an hour/);
  });
}

test('one request of an hour, by a clock without a zone, sets nothing back', async () => {
  using folder = logFolder();
  const lines = [...steps(0, 40, 120), 1200, ...steps(4800, 40, 120)].map((at) => localLine(at, 0, false));
  const path = folder.write('log', lines.join('\n'));
  const { requests, summary } = await replayed({
    files: [path],
    fields: 'time=time,method=method,path=path',
  });
  assert.equal(requests.length, 80);
  assert.deepEqual([summary.refused[0]!.meaning, summary.remarks], ['older than the reorder window', []]);
});

test('what began long before the log does not have the replay wait', async () => {
  using folder = logFolder();
  const lines = [timed(0, 0), timed(1, 8 * 3600, { path: '/socket' }), timed(2, 30), timed(100, 0)];
  const { requests, summary } = await replayed({ files: [folder.write('log', lines.join('\n'))] });
  assert.equal(requests.length, 3);
  assert.equal(requests.at(-1)!.plannedNs, 128e9);
  assert.equal(summary.refused[0]!.meaning, 'older than the reorder window');
});
