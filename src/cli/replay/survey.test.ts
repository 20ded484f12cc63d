// Goal: what --dry-run prints says what is in a log, every line of it, on a narrow screen, in a pipe and as JSON; what it
// cannot do is refused. Method: a log with some of everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openReplay } from '../../plan/replay/open-replay.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import { DROPPING_SINK } from '../../plan/replay/replay-reader.ts';
import { combined, logFolder } from '../../plan/replay/testing/replayed.ts';
import { displayWidth } from '../../report/text/width.ts';
import { refuseWithoutRun } from './dry-run.ts';
import { surveyObject } from './survey-json.ts';
import { spanText, surveyText } from './survey-text.ts';

const LINES = [
  ...Array.from({ length: 600 }, (_, i) =>
    combined(i, { path: `/item/${i}?q=1`, client: `10.0.0.${i % 7}`, status: i % 10 === 0 ? 404 : 200 }),
  ),
  ...Array.from({ length: 5 }, () => combined(599, { method: 'POST', path: '/order' })),
  'hello \u001b[31mworld',
  combined(599, { path: '/\\x4' }),
];

async function survey(options: Partial<ReplayOptions> = {}) {
  using folder = logFolder();
  const reader = await openReplay({
    files: [folder.write('log', `${LINES.join('\n')}\n`)],
    host: 'x',
    ...options,
  });
  return await reader.pump(DROPPING_SINK, new AbortController().signal);
}

const look = (columns: number | null) => ({ colour: false, columns, readNs: 1e6 });

test('the text tells what is sent, what is not, and why', async () => {
  const text = surveyText(await survey(), look(null));
  for (const expected of [
    /607 lines: 600 requests to replay, 5 left out, 2 refused/,
    /2026-11-29 07:04:55 UTC to 2026-11-29 07:14:54 UTC, \d+ min.*whole seconds, within which starts are spread/,
    /As fast as it was it takes/,
    /7 clients by ip: the log has no connection and no ip:port/,
    /answered with 200 90 %, 404 10 %/,
    /GET \/item\/\* +600 +100 %/,
    /5: methods that change things; --unsafe-methods sends them too \(POST 5\)/,
    /1: not laid out as the format says; line 606/,
    /hello .\[31mworld/,
    /1: a broken escape in the path; line 607/,
    /Nothing was sent/,
  ]) {
    assert.match(text, expected);
  }
  assert.match(text, /^[\n\x20-\x7e]*$/, 'a pipe gets ASCII');
});

test('on sixty columns nothing is wider, and the curve is drawn', async () => {
  const text = surveyText(await survey(), look(60));
  for (const line of text.split('\n')) assert.ok(displayWidth(line) <= 60, line);
  assert.match(text, /[▁▂▃▄▅▆▇█]{20}/);
});

test('speeds, and full speed', async () => {
  const twice = surveyText(await survey({ pace: { kind: 'speed', factor: 2 } }), look(null));
  assert.match(twice, /At 2 times its speed it takes (4 min 5\d s|5 min), at 2\/s on average/);
  const max = surveyText(await survey({ pace: { kind: 'max' } }), look(null));
  assert.match(max, /At full speed it takes as long as the target takes to answer/);
  const rate = await survey({ pace: { kind: 'rate', perSec: 10 } });
  assert.ok(Math.abs(rate.time!.replayNs / 1e9 - 60) < 0.5, String(rate.time!.replayNs));
});

test('the JSON adds up, to the line', async () => {
  const object = JSON.parse(JSON.stringify(surveyObject(await survey(), 2e9)));
  const sum = (parts: { count: number }[]) => parts.reduce((total, { count }) => total + count, 0);
  assert.equal(object.lines, object.requests + sum(object.refused) + sum(object.left_out));
  assert.equal(object.format, 'loopscope-replay-survey');
  assert.equal(object.read_sec, 2);
  assert.deepEqual(object.unsafe_methods, [{ method: 'POST', count: 5 }]);
  assert.deepEqual(object.refused[0].first_at, [{ source: 0, line: 606 }]);
  assert.equal(
    object.time.curve.reduce((total: number, count: number) => total + count, 0),
    600,
  );
  assert.equal(sum(object.statuses), 600);
  assert.equal(object.clients.count, 7);
});

test('spans as people say them', () => {
  const cases: [sec: number, text: string][] = [
    [0.85, '850 ms'],
    [12.34, '12.3 s'],
    [180, '3 min'],
    [200, '3 min 20 s'],
    [599.8, '10 min'],
    [7200, '2 h'],
    [26.1 * 3600, '26 h 6 min'],
    [12 * 86_400, '12 days 0 h'],
  ];
  for (const [sec, text] of cases) assert.equal(spanText(sec * 1e9), text);
});

test('outputs that hold a run are refused with --dry-run', () => {
  refuseWithoutRun({ json: true, failIf: [] });
  assert.throws(() => refuseWithoutRun({ html: 'x.html' }), /--dry-run and --html contradict each other/);
  assert.throws(
    () => refuseWithoutRun({ failIf: ['p99>1s'] }),
    /--dry-run and --fail-if contradict each other/,
  );
});
