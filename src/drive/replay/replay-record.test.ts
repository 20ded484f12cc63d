// Goal: the record of a replay says what the reader and the threads told, without folders' names, and its books balance.
// Method: a summary with something of everything, and the record's own schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { REFUSAL, REFUSAL_MEANING } from '../../plan/replay/lines/refusal.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import type { ReplaySummary } from '../../plan/replay/replay-summary.ts';
import { replaySchema } from '../../record/replay/replay-schema.ts';
import { type ReplayTally, replayRecordOf } from './replay-record.ts';

/** When the schedule began, ms since 1970. */
const START_MS = 1_795_935_895_000;

const options: ReplayOptions = {
  files: ['/var/log/nginx/access.log.1.gz', '-'],
  host: '127.0.0.1',
  from: '10:00:00',
};

const summary: ReplaySummary = {
  sources: [
    { path: '/var/log/nginx/access.log.1.gz', packing: 'gzip', lineCount: 60, damage: null },
    { path: '-', packing: 'plain', lineCount: 40, damage: null },
  ],
  format: { name: 'nginx', why: 'named' },
  session: { kind: 'ip', why: 'the log has no port', clientCount: 9, clientLimit: 9, unknownCount: 2 },
  lineCount: 100,
  requestCount: 80,
  refused: [
    {
      reason: REFUSAL.layout,
      meaning: REFUSAL_MEANING[REFUSAL.layout],
      count: 3,
      firstAt: [{ source: 1, line: 7 }],
      example: 'x',
    },
    {
      reason: REFUSAL.aside,
      meaning: REFUSAL_MEANING[REFUSAL.aside],
      count: 2,
      firstAt: [{ source: 0, line: 1 }],
      example: '#',
    },
  ],
  leftOut: [
    { why: 'method', count: 10 },
    { why: 'only', count: 4 },
    { why: 'outside --from and --to', count: 1 },
  ],
  unsafeMethods: [
    { method: 'POST', count: 8 },
    { method: 'PUT', count: 2 },
  ],
  methods: [{ method: 'GET', count: 80 }],
  statuses: [{ status: 200, count: 80 }],
  routes: [
    { name: 'GET /a', count: 50 },
    { name: 'GET /b', count: 30 },
  ],
  time: {
    firstSec: 1_795_000_000.5,
    lastSec: 1_795_000_010.5,
    spanNs: 10e9,
    replayNs: 5e9,
    speed: 2,
    grainNs: 1e6,
    meanPerSec: 8,
    peakPerSec: 12,
    peakSec: 1_795_000_003,
    curve: [80],
    curveStepSec: 10,
  },
  roundCount: 1,
  spreadCount: 0,
  filledCount: 0,
  follow: null,
  windowOverflowCount: 5,
  remarks: ['access.log.1.gz ends in the middle of its data'],
};

const tally: ReplayTally = {
  waitedCount: 4,
  movedCount: 1,
  disorderedCount: 0,
  starved: { count: 0, longestNs: 0 },
  askedGaps: 'AAAA',
  logged: ['BBBB', null],
  statusMatrix: [[200, 200, 80]],
  sizes: { equal: 80, larger: 0, smaller: 0, unknown: 0, moreBytes: 0, fewerBytes: 0 },
  filledCount: 0,
};

test('what was told is in the record, and the record is one that a run file may hold', () => {
  const record = replayRecordOf(summary, options, tally, START_MS);
  assert.deepEqual(v.parse(replaySchema, JSON.parse(JSON.stringify(record))), record);
  assert.deepEqual(record.log.sources, ['access.log.1.gz', 'standard input']);
  assert.deepEqual(record.log.skipped, [
    { reason: 'a method that changes things: POST, PUT', count: 10 },
    { reason: '--only', count: 4 },
    { reason: 'outside --from and --to', count: 1 },
    { reason: REFUSAL_MEANING[REFUSAL.aside], count: 2 },
  ]);
  assert.deepEqual(record.log.refused, [
    {
      reason: 'not laid out as the format says',
      count: 3,
      firstLines: [{ source: 1, line: 7 }],
      example: 'x',
    },
  ]);
  assert.equal(record.log.firstWallMs, 1_795_000_000_500);
  assert.deepEqual(record.clients, {
    session: 'ip',
    why: 'the log has no port',
    distinct: 9,
    atLimit: true,
    unknownCount: 2,
    waitedCount: 4,
    movedCount: 1,
    disorderedCount: 0,
  });
  assert.deepEqual(record.schedule, {
    pace: 'speed',
    speed: 2,
    ratePerSec: null,
    from: '10:00:00',
    to: null,
    roundCount: 1,
    grainNs: 1e6,
    spreadCount: 0,
    overflowCount: 5,
  });
  assert.deepEqual(record.routes, [
    { name: 'GET /a', logged: 'BBBB' },
    { name: 'GET /b', logged: null },
  ]);
});

test('every line is a request, left out or refused', () => {
  const { log } = replayRecordOf(summary, options, tally, START_MS);
  const sum = (counted: readonly { count: number }[]) =>
    counted.reduce((total, { count }) => total + count, 0);
  assert.equal(log.readCount, log.requestCount + sum(log.refused) + sum(log.skipped));
});

test('at full speed there is no speed, and scaled to a rate both are told', () => {
  const at = (pace: ReplayOptions['pace']) =>
    replayRecordOf(summary, { ...options, pace }, tally, START_MS).schedule;
  assert.deepEqual([at({ kind: 'max' }).pace, at({ kind: 'max' }).speed], ['max', null]);
  const scaled = at({ kind: 'rate', perSec: 16 });
  assert.deepEqual([scaled.pace, scaled.ratePerSec, scaled.speed], ['rate', 16, 2]);
});

test('a log that was followed, and a thousand files', () => {
  const follow = {
    rotatedCount: 1,
    truncatedCount: 0,
    behindBytes: 100,
    behindNs: 5e6,
    delayNs: 2e9,
    overtakenCount: 3,
  };
  const sources = Array.from({ length: 1000 }, (_, i) => ({ ...summary.sources[0]!, path: `/x/${i}.log` }));
  const record = replayRecordOf(
    { ...summary, follow: { ...follow, beganMs: START_MS - 1500 }, sources, time: null },
    options,
    tally,
    START_MS,
  );
  assert.deepEqual(record.schedule.follow, { ...follow, delayNs: 2.5e9 });
  assert.equal(record.log.sources.length, 64);
  assert.equal(record.log.sourceCount, 1000);
  assert.equal(record.log.firstWallMs, null);
});
