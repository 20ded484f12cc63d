// Goal: CI counts what failed, and no text of others breaks the file. Method: a run with each outcome, hostile names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '../../diagnose/diagnose.ts';
import { quietRun } from '../../diagnose/testing/run-builder.ts';
import type { ThresholdResult } from '../../diagnose/thresholds/threshold.ts';
import { junitReporter } from './junit.ts';

const result = (given: Partial<ThresholdResult>): ThresholdResult => ({
  text: 'p99>20ms',
  outcome: 'held',
  failed: false,
  value: null,
  unit: 'ns',
  limit: 20e6,
  atLeast: false,
  low: null,
  high: null,
  sure: null,
  why: 'it is 1 ms',
  ...given,
});

function render(thresholds: ThresholdResult[], run = quietRun().run): string {
  return junitReporter.render(run, diagnose(run), {
    colour: false,
    columns: null,
    runFile: null,
    thresholds,
  });
}

test('one case for each threshold and self-check, counted by outcome', () => {
  const text = render([
    result({}),
    result({ text: 'errors>1%', outcome: 'crossed', failed: true, why: 'it is 2 %' }),
    result({ text: 'p99>1s?', outcome: 'unjudged', why: 'cannot be judged' }),
  ]);
  assert.match(text, /<testsuite name="loopscope.thresholds" tests="3" failures="1" errors="0" skipped="1">/);
  assert.match(text, /name="errors&gt;1%"><failure message="it is 2 %"\/>/);
  const { run } = quietRun();
  const checkCount = diagnose(run).self.checks.length;
  assert.match(
    text,
    new RegExp(`<testsuite name="loopscope.self" tests="${checkCount}" failures="0" errors="0"`),
  );
  const broken = render([], quietRun().counts({ ok: 1 }).run);
  assert.match(broken, /name="conservation"><error message="VOID: /);
  assert.doesNotMatch(broken, /loopscope.thresholds/);
});

test('hostile text is escaped: nothing but the elements of ours, and no character that XML forbids', () => {
  const hostile = `</testcase>]]><x a="'&amp;\u0000\u001b\ud800\ufffe\uffff`;
  const text = render([result({ text: hostile, why: hostile, failed: true, outcome: 'crossed' })]);
  const tags = new Set([...text.matchAll(/<[/?]?([\w-]+)/g)].map(([, name]) => name ?? ''));
  for (const tag of tags) {
    assert.ok(
      ['xml', 'testsuites', 'testsuite', 'testcase', 'failure', 'error', 'skipped', 'system-out'].includes(
        tag,
      ),
      tag,
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML 1.0 forbids
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  assert.doesNotMatch(text, /&(?!amp;|lt;|gt;|quot;|apos;)/);
  assert.ok(text.isWellFormed());
});
