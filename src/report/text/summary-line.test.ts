// Goal: the line that a CI log is searched for holds the run's own figures, whatever the run. Method: sample runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ThresholdResult } from '../../diagnose/thresholds/threshold.ts';
import { sampleDiagnosis } from '../testing/sample-diagnosis.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { summaryLine } from './summary-line.ts';

const run = sampleRun();
const diagnosis = sampleDiagnosis(run);
const FORM = /^loopscope: [A-Z]+( [a-z0-9_]+=[\x21-\x7e]+)+$/;
const fieldsOf = (line: string) =>
  Object.fromEntries(
    line
      .split(' ')
      .slice(2)
      .map((field) => field.split('=')),
  );

test('its first word is the exit status in a word, and every field is key=value in ASCII', () => {
  const words = [0, 1, 3, 4, 130].map((status) => summaryLine(run, diagnosis, status).split(' ')[1]);
  assert.deepEqual(words, ['PASS', 'FAIL', 'VOID', 'UNREACHED', 'INTERRUPTED']);
  assert.match(summaryLine(run, diagnosis, 0), FORM);
});

test('the figures are the run’s; what was not judged or driven has no field', () => {
  const { counts } = run.load!;
  const fields = fieldsOf(summaryLine(run, diagnosis, 0));
  assert.equal(fields.exit, '0');
  assert.equal(fields.verdict, diagnosis.verdict.culprit);
  assert.equal(fields.requests, String(counts.planned));
  assert.equal(fields.failed, String(counts.planned - counts.ok));
  assert.equal(fields.thresholds, undefined);
  const unloaded = fieldsOf(summaryLine({ ...run, load: null }, diagnosis, 0));
  assert.equal(unloaded.requests, undefined);
  assert.equal(unloaded.p99_ms, undefined);
});

test('thresholds and a search are counted when there were any', () => {
  const results = [{ failed: true }, { failed: false }] as ThresholdResult[];
  const limit = {
    ended: 'x',
    ratePerSec: null,
    failsAtPerSec: null,
    relativeWidth: null,
    steps: [],
    why: '',
  };
  const fields = fieldsOf(summaryLine(run, diagnosis, 1, { thresholds: results, limit }));
  assert.equal(fields.thresholds, '2');
  assert.equal(fields.thresholds_failed, '1');
  assert.equal(fields.limit_per_s, '-');
});

test('a percentile that a self-check withholds is void, not a number', () => {
  const [first, ...rest] = diagnosis.self.checks;
  const spoilt = { ...first!, verdict: 'VOID' as const, spoils: ['response' as const] };
  const withheld = {
    ...diagnosis,
    self: { ...diagnosis.self, verdict: 'VOID' as const, checks: [spoilt, ...rest] },
  };
  assert.equal(fieldsOf(summaryLine(run, withheld, 3)).p99_ms, 'void');
});
