// Goal: the doctor tells how connections reach workers: herds, uneven shares, workers that strand theirs, full queues;
// and does not see them where they are not. Method: accept-scenarios.ts on real servers, each once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../helpers/needs.ts';
import { ACCEPT_SCENARIOS } from './accept-scenarios.ts';
import { describe, runScenario } from './judge.ts';

for (const scenario of ACCEPT_SCENARIOS) {
  test(`${scenario.name}: ${scenario.title}`, async (t) => {
    const obstacle = scenario.obstacle();
    if (!needs(t, obstacle === null, obstacle ?? '')) return;
    const judged = await runScenario(scenario);
    t.diagnostic(`${judged.report.verdict.culprit}: ${judged.report.verdict.headline}`);
    assert.deepEqual(judged.faults, [], describe(judged));
  });
}
