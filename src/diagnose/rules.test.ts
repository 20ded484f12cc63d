// Goal: each culprit is named when planted, with the right names in the evidence, and its look-alikes are not.
// Method: made-up runs (testing/), one fault each; every case also keeps the promises of a diagnosis.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diagnose } from './diagnose.ts';
import { CULPRITS, type Diagnosis } from './finding.ts';
import { CLIENT_LOOK_ALIKES, CLIENT_PLANTED } from './testing/client-cases.ts';
import { LOOK_ALIKES } from './testing/look-alikes.ts';
import { PLANTED } from './testing/planted.ts';
import { assertSound } from './testing/sound.ts';

const NEVER_A_VERDICT = 'wait.timer-slack';

function wordsOf({ verdict }: Diagnosis): string {
  return [verdict.headline, ...verdict.evidence.map((fact) => fact.text), ...verdict.advice].join('\n');
}

describe('a planted fault gets its name', () => {
  for (const { culprit, name, run, says } of [...PLANTED, ...CLIENT_PLANTED]) {
    test(`${culprit}: ${name}`, () => {
      const diagnosis = diagnose(run().run);
      assert.equal(diagnosis.verdict.culprit, culprit, diagnosis.verdict.headline);
      const words = wordsOf(diagnosis);
      for (const pattern of says) assert.match(words, pattern);
      assertSound(diagnosis);
    });
  }
});

describe('a look-alike does not', () => {
  for (const { not, name, run, instead } of [...LOOK_ALIKES, ...CLIENT_LOOK_ALIKES]) {
    test(`not ${not}: ${name}`, () => {
      const diagnosis = diagnose(run().run);
      assert.notEqual(diagnosis.verdict.culprit, not, diagnosis.verdict.headline);
      if (instead) assert.equal(diagnosis.verdict.culprit, instead, diagnosis.verdict.headline);
      assertSound(diagnosis);
    });
  }
});

test('every culprit has a planted fault and a look-alike', () => {
  const planted = new Set(PLANTED.map((row) => row.culprit));
  const avoided = new Set(LOOK_ALIKES.map((row) => row.not));
  for (const culprit of CULPRITS) {
    assert.equal(planted.has(culprit), culprit !== NEVER_A_VERDICT, `planted ${culprit}`);
    assert.ok(avoided.has(culprit), `look-alike of ${culprit}`);
  }
});
