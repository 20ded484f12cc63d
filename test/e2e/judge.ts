/** Runs scenarios and judges the doctor's answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CulpritId } from '../../src/diagnose/finding.ts';
import type { ReportObject } from '../../src/report/json/report-object.ts';
import { evidenceText, type LoopscopeResult, reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { measureSteal, untilQuiet } from '../fixtures/quiet.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';
import type { Planted, Scenario } from './scenarios.ts';

export type Judged = {
  scenario: Scenario;
  /** Share of the CPUs that was idle before anything was planted. */
  idleShareBefore: number;
  /** Share of all CPU time that the hypervisor took meanwhile, by /proc/stat. */
  stolenShare: number;
  result: LoopscopeResult;
  report: ReportObject;
  /** None of the expected culprits was named. */
  isMiss: boolean;
  /** What is wrong with the answer; empty when it is right. */
  faults: string[];
};

/** From here on cpu.steal is no false name, and may stand before a planted fault of less weight. */
const STOLEN_SHARE = 0.05;

export async function runScenario(scenario: Scenario, quietWithinMs = 5000): Promise<Judged> {
  const idleShareBefore = await untilQuiet(quietWithinMs);
  await using planted = await scenario.plant();
  const steal = measureSteal();
  const result = await runLoopscope(planted.args, planted.prefix ? { prefix: planted.prefix } : {});
  const stolenShare = steal();
  const report = reportOf(result);
  const found = nameFound(scenario, report, stolenShare);
  return {
    scenario,
    idleShareBefore,
    stolenShare,
    result,
    report,
    isMiss: scenario.expected.length > 0 && found === null,
    faults: faultsOf(scenario, planted, found, { report, code: result.code, stolenShare }),
  };
}

/** A test for each, asked up to three times. repeat.ts asks more often: what we promise is to be right nine times in ten. */
export function testScenarios(scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios.filter(({ seldom }) => !seldom)) {
    test(`${scenario.name}: ${scenario.title}`, async (t) => {
      const obstacle = scenario.obstacle();
      if (!needs(t, obstacle === null, obstacle ?? '')) return;
      await upToThreeTimes(t, async () => {
        const judged = await runScenario(scenario);
        const { culprit, headline } = judged.report.verdict;
        t.diagnostic(`${culprit}: ${headline}`);
        assert.deepEqual(judged.faults, [], describe(judged));
      });
    });
  }
}

/** Which of the expected names it gave: as verdict, or behind a hypervisor that took more than what was planted. */
function nameFound({ expected }: Scenario, report: ReportObject, stolenShare: number): CulpritId | null {
  const { verdict, contributors } = report;
  const behindSteal = verdict.culprit === 'cpu.steal' && stolenShare >= STOLEN_SHARE;
  const named = [verdict, ...(behindSteal ? contributors : [])].map(({ culprit }) => culprit);
  return named.find((culprit) => expected.includes(culprit)) ?? null;
}

type Answer = { report: ReportObject; code: number | null; stolenShare: number };

function faultsOf(scenario: Scenario, planted: Planted, found: CulpritId | null, answer: Answer): string[] {
  const faults: string[] = [];
  const { report, code, stolenShare } = answer;
  const { culprit } = report.verdict;
  if (scenario.expected.length > 0 && found === null)
    faults.push(`named ${culprit}, not ${scenario.expected.join(' or ')}`);
  const isTrueSteal = culprit === 'cpu.steal' && stolenShare >= STOLEN_SHARE;
  for (const wrong of scenario.mustNotBe) {
    if (culprit === wrong || (wrong.endsWith('.') && culprit.startsWith(wrong) && !isTrueSteal))
      faults.push(`named ${culprit}`);
  }
  if (found !== null) {
    const text = evidenceText(report, found);
    for (const pattern of planted.evidence ?? []) {
      if (!pattern.test(text)) faults.push(`no ${pattern} in the evidence: ${text}`);
    }
  }
  if (scenario.exitCodes && !scenario.exitCodes.includes(code ?? -1)) faults.push(`exit ${code}`);
  return faults;
}

/** One line, then the evidence: for failing tests and for repeat.ts. */
export function describe({ report, result, idleShareBefore, stolenShare }: Judged): string {
  const { verdict, contributors, self } = report;
  return [
    `${verdict.culprit} (share ${verdict.share.toFixed(2)}, ${verdict.confidence}; self ${self.verdict}; exit ${result.code}; CPUs ${Math.round(idleShareBefore * 100)} % idle before, ${Math.round(stolenShare * 100)} % stolen)`,
    `  ${verdict.headline}`,
    ...verdict.evidence.map((item) => `    ${item.text}`),
    ...contributors.map((found) => `  + ${found.culprit} ${found.share.toFixed(2)}: ${found.headline}`),
    ...self.checks
      .filter((check) => check.verdict === 'WARN' || check.verdict === 'VOID')
      .map((check) => `  ${check.verdict} ${check.name}: ${check.text}`),
  ].join('\n');
}
