import assert from 'node:assert/strict';
import { CULPRITS, type Diagnosis, type Finding } from '../finding.ts';

const CONFIDENCES = ['high', 'medium', 'low'];
const VERDICTS = ['PASS', 'WARN', 'VOID', 'SKIP'];

/** What holds for every diagnosis, whatever the run. */
export function assertSound(diagnosis: Diagnosis): void {
  for (const finding of [diagnosis.verdict, ...diagnosis.contributors]) assertFinding(finding);
  const culprits = [diagnosis.verdict, ...diagnosis.contributors].map((finding) => finding.culprit);
  assert.equal(new Set(culprits).size, culprits.length, `named twice: ${culprits}`);
  for (const { culprit, why } of diagnosis.suspectsCleared) {
    assert.ok(CULPRITS.includes(culprit), culprit);
    assert.ok(!culprits.includes(culprit), `${culprit} is both named and cleared`);
    assert.match(why, /\w/);
  }
  for (const check of diagnosis.self.checks) {
    assert.ok(VERDICTS.includes(check.verdict), check.name);
    assert.equal(
      check.verdict === 'VOID' || check.spoils.length === 0 || check.spoilsFrom !== undefined,
      true,
      `${check.name} spoils without VOID`,
    );
    const from = check.spoilsFrom ?? 0;
    assert.ok(from >= 0 && from <= 1, `${check.name} spoils from ${from}`);
    assertText(check.text);
    assert.ok(check.value === null || Number.isFinite(check.value), `${check.name}: ${check.value}`);
  }
  for (const fact of diagnosis.evidence) assertText(fact.text);
}

function assertFinding(finding: Finding): void {
  assert.ok(CULPRITS.includes(finding.culprit), finding.culprit);
  assert.ok(finding.share >= 0 && finding.share <= 1, `${finding.culprit} share ${finding.share}`);
  assert.ok(CONFIDENCES.includes(finding.confidence));
  assertText(finding.headline);
  for (const line of finding.advice) assertText(line);
  for (const fact of finding.evidence) {
    assertText(fact.text);
    assert.ok(typeof fact.value === 'string' || Number.isFinite(fact.value), `${fact.metric}: ${fact.value}`);
  }
}

function assertText(text: string): void {
  assert.ok(text.length > 0);
  assert.doesNotMatch(text, /\p{Cc}|NaN|Infinity|undefined|\[object/u);
}
