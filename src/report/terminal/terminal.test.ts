// Goal: the terminal report says the same facts in the same words, whoever reads it and however wide the screen.
// Method: golden texts of synthetic runs (refresh with --test-update-snapshots), and properties over all of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { Run } from '../../record/run.ts';
import { sampleDiagnosis } from '../testing/sample-diagnosis.ts';
import type { SampleOptions } from '../testing/sample-options.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { displayWidth } from '../text/width.ts';
import { limitHeading, limitStepLine } from './limit.ts';
import { terminalReporter } from './terminal.ts';

type Case = { name: string; run: Run; diagnosis: Diagnosis };

function make(name: string, options: SampleOptions, more: { voidRun?: boolean } = {}): Case {
  const run = sampleRun({ seconds: 12, ...options });
  const { scenario, hostile } = options;
  return {
    name,
    run,
    diagnosis: sampleDiagnosis(run, { ...more, ...(scenario && { scenario }), ...(hostile && { hostile }) }),
  };
}

const CASES: Case[] = [
  make('a loop pushed off its CPU', {}),
  make('a loop blocked in fsync, last requests unanswered', { scenario: 'fsync', unanswered: 25 }),
  make('nothing wrong', { scenario: 'healthy' }),
  make('load only, the run VOID', { mode: 'load' }, { voidRun: true }),
  make('live traffic through /proc, cut short', {
    mode: 'watch',
    tier: 'proc',
    complete: false,
    scenario: 'healthy',
  }),
  make('a mix of two kinds', { mode: 'load', scenario: 'healthy', kinds: true }),
  make('a log, replayed', { mode: 'load', scenario: 'healthy', replay: true }),
  make('hostile names', { hostile: true, scenario: 'fsync' }),
];

const render = ({ run, diagnosis }: Case, columns: number | null, colour = false) =>
  terminalReporter.render(run, diagnosis, { colour, columns, runFile: 'server.loopscope' });

/** One line of the snapshot for each line of the report, so that a change can be read. */
const AS_IT_IS = { serializers: [(text: string) => text] };

for (const each of CASES) {
  test(`golden text at 80 columns: ${each.name}`, (t) => t.assert.snapshot(render(each, 80), AS_IT_IS));
}

test('golden text in a pipe', (t) => t.assert.snapshot(render(CASES[0]!, null), AS_IT_IS));

test('a check that passed is not shown beyond its limit, and a least value is called so', () => {
  const check = (name: string, value: number, limit: number, isLeast?: boolean) => ({
    name,
    verdict: 'PASS' as const,
    value,
    unit: 'share',
    limit,
    text: '',
    spoils: [],
    ...(isLeast && { isLeast }),
  });
  const { run, diagnosis } = CASES[0]!;
  const checks = [check('a', 0.45, 0.1), check('b', 0.05, 0.1), check('c', 1, 0.995, true)];
  const text = render(
    { name: '', run, diagnosis: { ...diagnosis, self: { ...diagnosis.self, checks } } },
    80,
  );
  assert.match(text, /PASS {2}a 45 %; b 5 % \(limit 10 %\); c 100 % \(at least 99\.5 %\)\n/);
});

test('no line is wider than the terminal, from 60 columns on', () => {
  for (const each of CASES) {
    for (const columns of [60, 72, 80, 100, 132]) {
      for (const line of render(each, columns, true).split('\n')) {
        assert.ok(displayWidth(line) <= columns, `${each.name} at ${columns}: "${line}"`);
      }
    }
  }
});

test('colours change nothing but colours', () => {
  for (const each of CASES) {
    const coloured = render(each, 80, true);
    assert.ok(coloured.includes('\u001b[1m'));
    const stripped = stripVTControlCharacters(coloured).replace(/ +$/gm, '');
    assert.equal(stripped, render(each, 80, false));
  }
});

test('without colours there is no control character but the line break, whatever processes are called', () => {
  for (const each of CASES) {
    for (const columns of [80, null]) assert.doesNotMatch(render(each, columns), /[^\P{Cc}\n]/u, each.name);
  }
});

test('a pipe gets ASCII, and no sentence is broken', () => {
  const text = render(CASES[0]!, null);
  assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
  assert.ok(text.includes(CASES[0]!.diagnosis.verdict.headline));
});

test('the verdict is the first line', () => {
  const first = render(CASES[0]!, null).split('\n')[0]!;
  assert.match(first, /^cpu\.preempted: nginx \(pid 4242\) .* \(high confidence, \d+ % of the lost time\)$/);
});

test('a VOID check withholds what it spoils, and only that', () => {
  const run = sampleRun({ seconds: 12 });
  const diagnosis = sampleDiagnosis(run, { voidRun: true });
  for (const check of diagnosis.self.checks)
    if (check.verdict === 'VOID') check.spoils = ['response', 'service'];
  const text = terminalReporter.render(run, diagnosis, { colour: false, columns: 100, runFile: null });
  assert.match(text, /^ {2}response {2}withheld: VOID: client-cpu$/m);
  assert.match(text, /^ {2}service +withheld: VOID: client-cpu$/m);
  assert.match(text, /^ {2}lateness +[\d.]+ µs/m);
  assert.doesNotMatch(text, /Response time by percentile/);
});

test('service times withheld alone: the picture of response times is of one piece, and says why', () => {
  const run = sampleRun({ seconds: 12 });
  const diagnosis = sampleDiagnosis(run, { voidRun: true });
  for (const check of diagnosis.self.checks) if (check.verdict === 'VOID') check.spoils = ['service'];
  for (const columns of [60, 100, null]) {
    const text = terminalReporter.render(run, diagnosis, { colour: false, columns, runFile: null });
    const picture = text.slice(text.indexOf('Response time by percentile'));
    assert.match(picture, /[█#] response time: service times are withheld$/m);
    assert.doesNotMatch(picture, /waiting to be sent/);
  }
});

test('a run that is not whole says so near its top', () => {
  const lines = render(CASES[4]!, 80).split('\n').slice(0, 4).join('\n');
  assert.match(lines, /^Incomplete: the run file ends before its closing record/m);
});

test('unanswered requests mark what is only a lower bound', () => {
  assert.match(render(CASES[1]!, 80), /^ {2}response .* ≥1\.20 s$/m);
  assert.match(render(CASES[1]!, 80), /\d\d requests never got an answer/);
});

const LIMIT_STEP = {
  ratePerSec: 4000,
  outcome: 'held' as const,
  achievedShare: 1,
  goals: [{ text: 'p99<20ms', value: 15e6, limit: 20e6, unit: 'ns', atLeast: false }],
  self: 'PASS',
  why: 'p99 is 15.0 ms',
};

test('a search: what is looked for, a line a run, and the answer before all else', () => {
  const look = { colour: false, columns: 80 };
  const heading = limitHeading([{ text: 'p99<20ms' }], 5e9, look);
  assert.equal(heading, 'The highest rate with p99<20ms, in runs of 5.00 s:');
  assert.equal(limitStepLine(LIMIT_STEP, look), '      4 000/s  held      p99 15.0 ms');
  const lost = { ...LIMIT_STEP, outcome: 'failed' as const, achievedShare: 0.91 };
  assert.match(limitStepLine(lost, look), /failed {4}p99 15\.0 ms, 91 % came to an end$/);
  const client = { ...LIMIT_STEP, outcome: 'client' as const, why: 'client-cpu: 99 %' };
  assert.match(limitStepLine(client, look), /client {4}client-cpu: 99 %$/);
  const limit = {
    ended: 'found',
    ratePerSec: 4000,
    failsAtPerSec: 4100,
    relativeWidth: 0.025,
    steps: [LIMIT_STEP],
    why: '4000/s held, and did so again; 4100/s did not',
  };
  const { run, diagnosis } = CASES[3]!;
  const render = (more: object) =>
    terminalReporter.render(run, diagnosis, { colour: false, columns: 100, runFile: null, ...more });
  assert.match(render({ limit }), /^The limit is 4 000 requests\/s: 4000\/s held, and did so again/);
  assert.match(render({ limit: { ...limit, ended: 'client-limit' } }), /^No limit was found: /);
});

test('thresholds: the failed ones first, each with its reason', () => {
  const one = { value: 1, unit: 'ns' as const, limit: 2, atLeast: false, low: null, high: null, sure: null };
  const thresholds = [
    { ...one, text: 'failed>1%', outcome: 'held' as const, failed: false, why: '0 %' },
    { ...one, text: 'p99>1ms', outcome: 'crossed' as const, failed: true, why: 'p99 is 3 ms' },
    { ...one, text: 'p99.99>1ms?', outcome: 'unjudged' as const, failed: false, why: 'too few' },
  ];
  const { run, diagnosis } = CASES[2]!;
  const text = terminalReporter.render(run, diagnosis, {
    colour: false,
    columns: 80,
    runFile: null,
    thresholds,
  });
  assert.match(
    text,
    /Thresholds\n {2}FAILED {2}p99>1ms: p99 is 3 ms\n {2}fine {4}failed>1%: 0 %\n {2}open {4}p99\.99/,
  );
});

test('requests that do not add up are called a bug', () => {
  const run = structuredClone(CASES[0]!.run);
  run.load!.counts.ok -= 7;
  const text = terminalReporter.render(run, CASES[0]!.diagnosis, {
    colour: false,
    columns: null,
    runFile: null,
  });
  assert.match(text, /7 UNACCOUNTED FOR/);
});

test('a replay that ended early says how much of the log was not due yet; one of a VOID run tells no difference', () => {
  const { run, diagnosis } = make('', { mode: 'load', replay: true }, { voidRun: true });
  const { log } = run.load!.replay!;
  log.requestCount = run.load!.counts.planned + 1500;
  log.readCount = log.requestCount + 110;
  const text = render({ name: '', run, diagnosis }, null);
  assert.match(text, /refused; 1 500 of the requests were read ahead, and not due yet$/m);
  assert.match(text, /replayed times withheld: VOID: client-cpu/);
  assert.match(text, /^ {2}GET \/search +[\d ]+ +50\.0 us +50\.0 us +- +- +- +-$/m);
});
