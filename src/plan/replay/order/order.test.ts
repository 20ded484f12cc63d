// Goal: requests come in the order of their starts, at times that are those of the log; whole seconds make no bursts, and
// no stamp, however wrong, loses a line without a word. Method: seeded traffic whose true starts are known, in logs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../base/prng.ts';
import type { ReplayPace } from '../replay-options.ts';
import {
  BEGIN_SEC,
  combined,
  logFolder,
  type Replayed,
  replayed,
  stampOf,
  timed,
} from '../testing/replayed.ts';
import { Pace } from './pace.ts';
import { RecordStore } from './record-store.ts';
import { ReorderWindow } from './reorder-window.ts';
import { parseTimePoint, resolveBounds } from './time-bounds.ts';

const SEED = 7;

/** Variance by mean of the counts in steps of `stepNs`: 1 for a Poisson process. */
function dispersion(timesNs: readonly number[], stepNs: number): number {
  const counts = new Float64Array(Math.floor(timesNs.at(-1)! / stepNs));
  for (const at of timesNs) if (at < counts.length * stepNs) counts[Math.floor(at / stepNs)]!++;
  const mean = timesNs.length / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length / mean;
}

function assertOrdered({ requests }: Replayed): void {
  requests.forEach((request, i) => {
    assert.ok(i === 0 || request.plannedNs >= requests[i - 1]!.plannedNs, `seed ${SEED}, request ${i}`);
  });
}

test('a Poisson log of whole seconds is spread to a Poisson process again, in the order of its lines', async () => {
  using folder = logFolder();
  const prng = createPrng(SEED);
  const lines: string[] = [];
  for (let at = 0; at < 60; at += prng.exponential(1 / 500))
    lines.push(combined(at, { path: `/${lines.length}` }));
  const all = await replayed({ files: [folder.write('log', lines.join('\n'))] });
  assert.equal(all.requests.length, lines.length);
  assert.equal(all.summary.spreadCount, lines.length);
  assertOrdered(all);
  assert.deepEqual(
    all.requests.map(({ path }) => path),
    lines.map((_, i) => `/${i}`),
  );
  const index = dispersion(
    all.requests.map(({ plannedNs }) => plannedNs),
    10e6,
  );
  assert.ok(index > 0.8 && index < 1.2, `dispersion ${index}, seed ${SEED}`);
});

test('ends of whole seconds are spread before the durations are taken off', async () => {
  using folder = logFolder();
  const prng = createPrng(SEED);
  const sent: { endSec: number; tookSec: number }[] = [];
  for (let at = 0; at < 60; at += prng.exponential(1 / 500)) {
    const tookSec = prng.below(20) / 10;
    sent.push({ endSec: at + tookSec, tookSec });
  }
  sent.sort((a, b) => a.endSec - b.endSec);
  const lines = sent.map(({ endSec, tookSec }) => `${combined(endSec)} ${tookSec.toFixed(3)}`);
  const format =
    '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';
  const all = await replayed({ files: [folder.write('log', lines.join('\n'))], format });
  assert.equal(all.requests.length, lines.length);
  assertOrdered(all);
  const steady = all.requests.map(({ plannedNs }) => plannedNs - 5e9).filter((ns) => ns >= 0 && ns < 50e9);
  const index = dispersion(steady, 10e6);
  assert.ok(index > 0.8 && index < 1.2, `dispersion ${index}, seed ${SEED}`);
});

test('requests of 30 seconds, logged when they end, come when they began', async () => {
  using folder = logFolder();
  const prng = createPrng(SEED);
  const sent = Array.from({ length: 20_000 }, (_, i) => {
    const startMs = Math.round(i * 5);
    return { startMs, tookMs: prng.below(100) === 0 ? 30_000 : prng.below(200), path: `/${i}` };
  });
  const lines = [...sent]
    .sort((a, b) => a.startMs + a.tookMs - b.startMs - b.tookMs)
    .map(({ startMs, tookMs, path }) => timed((startMs + tookMs) / 1000, tookMs / 1000, { path }));
  const all = await replayed({ files: [folder.write('log', lines.join('\n'))] });
  assert.equal(all.requests.length, sent.length);
  assert.deepEqual(all.summary.refused, []);
  all.requests.forEach(({ path, plannedNs, loggedNs }, i) => {
    assert.equal(path, sent[i]!.path);
    assert.ok(Math.abs(plannedNs - sent[i]!.startMs * 1e6) < 1, `${plannedNs} for ${path}`);
    assert.equal(loggedNs, sent[i]!.tookMs * 1e6);
  });
});

test('a line behind the window is refused as late, with its number; one within it is put in its place', async () => {
  using folder = logFolder();
  const lines = [
    timed(0, 0),
    timed(1, 0),
    timed(200, 0, { path: '/gap' }),
    timed(201, 0),
    timed(150, 0, { path: '/in' }),
  ];
  lines.push(timed(50, 0, { path: '/late' }), timed(202, 0));
  const { requests, summary } = await replayed({ files: [folder.write('log', lines.join('\n'))] });
  // The newest stamp is 201 s: what began before 141 s may have been sent, and 1 s has been.
  assert.deepEqual(
    requests.map(({ path }) => path),
    ['/', '/', '/late', '/in', '/gap', '/', '/'],
  );
  assert.equal(summary.refused.length, 0);
  const more = [...lines, timed(300, 0), timed(301, 0), timed(140, 0, { path: '/late2' })];
  const second = await replayed({ files: [folder.write('more', more.join('\n'))] });
  assert.deepEqual(
    second.summary.refused.map(({ meaning, count, firstAt, example }) => ({
      meaning,
      count,
      firstAt,
      example,
    })),
    [
      {
        meaning: 'older than the reorder window',
        count: 1,
        firstAt: [{ source: 0, line: 10 }],
        example: '/late2',
      },
    ],
  );
});

test('three files of a day each, at three speeds: the last request is due to the microsecond', async () => {
  using folder = logFolder();
  const day = 86_400;
  const files = [2, 0, 1].map((n) =>
    folder.write(
      `log.${n}`,
      Array.from({ length: 1440 }, (_, i) => timed(n * day + i * 60 + 0.125, 0)).join('\n'),
    ),
  );
  for (const factor of [0.5, 1, 3]) {
    const { requests, summary } = await replayed({ files, pace: { kind: 'speed', factor } });
    assert.equal(requests.length, 3 * 1440);
    const lastNs = ((3 * day - 60) * 1e9) / factor;
    assert.ok(Math.abs(requests.at(-1)!.plannedNs - lastNs) < 1e3, `${factor}`);
    assert.ok(Math.abs(summary.time!.replayNs - lastNs) < 1e3);
    for (const [i, { plannedNs }] of requests.entries()) {
      assert.ok(Math.abs(plannedNs - (i * 60e9) / factor) < 1e3);
    }
  }
});

test('2^33 records: the schedule is still exact to a millisecond', () => {
  for (const factor of [0.5, 1, 3]) {
    const pace = new Pace({ kind: 'speed', factor });
    const gapNs = 20_000;
    assert.equal(pace.plannedNs(5e9), 0);
    for (const n of [2 ** 20, 2 ** 32, 2 ** 33]) {
      assert.ok(Math.abs(pace.plannedNs(5e9 + n * gapNs) - (n * gapNs) / factor) < 1, `${n} × ${factor}`);
    }
  }
});

test('a loop goes on a mean gap behind its last request, for ever', async () => {
  using folder = logFolder();
  const path = folder.write('log', [timed(0, 0), timed(1, 0), timed(4, 0)].join('\n'));
  const { requests, summary } = await replayed({ files: [path], loop: true }, { limit: 8 });
  assert.deepEqual(
    requests.map(({ plannedNs }) => plannedNs / 1e9),
    [0, 1, 4, 6, 7, 10, 12, 13],
  );
  assert.equal(summary.roundCount, 3);
  assert.equal(summary.time!.spanNs, 4e9);
});

test('a loop over a log with nothing to send ends', async () => {
  using folder = logFolder();
  const path = folder.write('log', combined(0, { method: 'POST' }));
  const { requests } = await replayed({ files: [path], loop: true });
  assert.equal(requests.length, 0);
});

const PACES: [name: string, pace: ReplayPace, lastNs: number][] = [
  ['a rate', { kind: 'rate', perSec: 8 }, 2e9 - 0],
  ['twice as fast', { kind: 'speed', factor: 2 }, 4.5e9],
  ['half as fast', { kind: 'speed', factor: 0.5 }, 18e9],
  ['as fast as replies come', { kind: 'max' }, 0],
];

for (const [name, pace, lastNs] of PACES) {
  test(`pace: ${name}`, async () => {
    using folder = logFolder();
    const path = folder.write('log', Array.from({ length: 10 }, (_, i) => timed(i, 0)).join('\n'));
    const { requests, summary } = await replayed({ files: [path], pace });
    const wanted = pace.kind === 'rate' ? (10 / 8) * 1e9 : lastNs;
    assert.ok(Math.abs(requests.at(-1)!.plannedNs - wanted) < 1, String(requests.at(-1)!.plannedNs));
    assert.ok(Math.abs(summary.time!.replayNs - wanted) < 1);
  });
}

test('a rate wants a log that has one', async () => {
  using folder = logFolder();
  const path = folder.write('log', timed(0, 0));
  await assert.rejects(replayed({ files: [path], pace: { kind: 'rate', perSec: 8 } }), /the log has no rate/);
});

const BOUNDS: [from: string | null, to: string | null, zoneSec: number, fromSec: number, toSec: number][] = [
  ['07:05:00', '07:06', 0, 5, 65],
  ['2026-11-29T07:05:00Z', null, 3600, 5, Number.POSITIVE_INFINITY],
  ['2026-11-29 08:05:00', null, 3600, 5, Number.POSITIVE_INFINITY],
  ['08:05', '08:06', 3600, 5, 65],
  // Half a day before the log begins is tomorrow; a little before is today.
  ['07:00', null, 0, -295, Number.POSITIVE_INFINITY],
  ['01:00', '02:00', 0, -21_895, -18_295],
  [null, '01:00', 0, Number.NEGATIVE_INFINITY, 64_505],
  ['23:00', '01:00', 0, 57_305, 64_505],
];

for (const [from, to, zoneSec, fromSec, toSec] of BOUNDS) {
  test(`from ${from} to ${to}, ${zoneSec / 3600} h east`, () => {
    const point = (text: string | null, option: string) =>
      text === null ? null : parseTimePoint(text, option);
    const bounds = resolveBounds(point(from, '--from'), point(to, '--to'), BEGIN_SEC, zoneSec);
    assert.deepEqual(bounds, { fromSec: BEGIN_SEC + fromSec, toSec: BEGIN_SEC + toSec });
  });
}

test('times that are none are refused, with what to type', () => {
  for (const text of ['', 'noon', '25:00', '07:61', '2026-13-01', '2026-11-29T', '7']) {
    assert.throws(() => parseTimePoint(text, '--from'), { code: 'USAGE', message: /--from/ }, text);
  }
  const point = parseTimePoint('2026-11-29T07:00Z', '--to');
  assert.throws(
    () => resolveBounds(parseTimePoint('2026-11-29T08:00Z', '--from'), point, 0, 0),
    /not after --from/,
  );
});

test('--from and --to leave out what lies outside, by its start', async () => {
  using folder = logFolder();
  const lines = Array.from({ length: 300 }, (_, i) => timed(i, 0, { path: `/${i}` }));
  const path = folder.write('log', lines.join('\n'));
  const { requests, summary } = await replayed({ files: [path], from: stampIso(10), to: '07:05:15' });
  assert.deepEqual(
    requests.map((request) => request.path),
    ['/10', '/11', '/12', '/13', '/14', '/15', '/16', '/17', '/18', '/19'],
  );
  assert.equal(requests[0]!.plannedNs, 0);
  const outside = summary.leftOut.find(({ why }) => why === 'outside --from and --to')!;
  assert.equal(outside.count + requests.length, summary.lineCount);
  assert.ok(summary.lineCount < 200, 'reading ends when nothing wanted can come any more');
  assert.match(summary.remarks.join(), /reading ended at --to/);
});

function stampIso(offsetSec: number): string {
  return new Date((BEGIN_SEC + offsetSec) * 1000).toISOString();
}

test('more in a second than the window holds: all are sent, in order, and those that had to leave are counted', () => {
  const store = new RecordStore(64, 1);
  const window = new ReorderWindow(store, 64, SEED);
  let left = 0;
  let early = 0;
  let lastNs = -1;
  const leave = (untilNs: number) => {
    const slot = window.next(untilNs);
    if (slot < 0) return false;
    assert.ok(store.startNs[slot]! >= lastNs);
    lastNs = store.startNs[slot]!;
    window.take(slot);
    store.free(slot);
    left++;
    return true;
  };
  for (const coarseEnd of [false, true]) {
    const second = coarseEnd ? 1e9 : 0;
    for (let i = 0; i < 1000; i++) {
      while (!store.reserve(1000)) {
        if (!leave(Number.POSITIVE_INFINITY)) window.endSecond();
        early++;
      }
      const slot = store.commit(store.at + 1000);
      store.flags[slot] = 0;
      if (coarseEnd) window.addCoarseEnd(slot, second, 1);
      else window.addCoarseStart(slot, second);
    }
  }
  window.endSecond();
  while (leave(Number.POSITIVE_INFINITY));
  assert.equal(left, 2000);
  assert.ok(early > 1000);
  assert.ok(window.isEmpty && store.count === 0);
  assert.ok(lastNs < 2e9);
});

test('a sink that is full gets the same request again, and none is lost or doubled', async () => {
  using folder = logFolder();
  const lines = Array.from({ length: 1000 }, (_, i) => timed(i / 10, 0, { path: `/${i}` }));
  const { requests } = await replayed({ files: [folder.write('log', lines.join('\n'))] }, { capacity: 3 });
  assert.deepEqual(
    requests.map(({ path }) => path),
    lines.map((_, i) => `/${i}`),
  );
});

test('stamps as the tests write them', () => assert.equal(stampOf(0), '29/Nov/2026:07:04:55 +0000'));
