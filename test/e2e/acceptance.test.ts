// Goal: the doctor names what was planted, and does not name its look-alikes. Method: scenarios.ts on real servers,
// bin/loopscope as a user runs it; each once here, many times with repeat.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../helpers/needs.ts';
import { describe, runScenario } from './judge.ts';
import { SCENARIOS } from './scenarios.ts';

for (const scenario of SCENARIOS) {
  test(`${scenario.name}: ${scenario.title}`, async (t) => {
    const obstacle = scenario.obstacle();
    if (!needs(t, obstacle === null, obstacle ?? '')) return;
    const judged = await runScenario(scenario);
    t.diagnostic(`${judged.report.verdict.culprit}: ${judged.report.verdict.headline}`);
    assert.deepEqual(judged.faults, [], describe(judged));
  });
}
