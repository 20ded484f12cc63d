/**
 * Runs scenarios many times and prints the tally:
 *
 *     node --disable-warning=ExperimentalWarning test/e2e/repeat.ts [NAME… | all] [TIMES]
 *
 * Exit 1 when a scenario was right less than nine times in ten.
 */
import { ACCEPT_SCENARIOS } from './accept-scenarios.ts';
import { describe, runScenario } from './judge.ts';
import { SCENARIOS as ALL } from './scenarios.ts';

const SCENARIOS = [...ALL, ...ACCEPT_SCENARIOS];

const words = process.argv.slice(2);
const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 10);
const names = words.filter((word) => !/^\d+$/.test(word));
const unknown = names.filter(
  (name) => name !== 'all' && !SCENARIOS.some((scenario) => scenario.name === name),
);
if (unknown.length > 0 || names.length === 0) {
  console.error(`scenarios: all, ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const chosen = SCENARIOS.filter((scenario) => names.includes('all') || names.includes(scenario.name));

let allGood = true;
const table: string[] = [];
for (const scenario of chosen) {
  const obstacle = scenario.obstacle();
  if (obstacle) {
    table.push(`${scenario.name.padEnd(20)} not run: ${obstacle}`);
    continue;
  }
  const named = new Map<string, number>();
  let right = 0;
  for (let i = 0; i < times; i++) {
    let answer: string;
    try {
      const judged = await runScenario(scenario, 60_000);
      answer = judged.report.verdict.culprit;
      if (judged.faults.length === 0) right++;
      else console.log(`-- ${scenario.name} #${i + 1}: ${judged.faults.join('; ')}\n${describe(judged)}`);
    } catch (error) {
      answer = 'failed';
      console.log(`-- ${scenario.name} #${i + 1}: ${error instanceof Error ? error.message : error}`);
    }
    named.set(answer, (named.get(answer) ?? 0) + 1);
  }
  const tally = [...named].map(([culprit, count]) => `${culprit} ×${count}`).join(', ');
  table.push(`${scenario.name.padEnd(20)} ${right}/${times}  ${tally}`);
  console.log(table.at(-1));
  if (right < times * 0.9) allGood = false;
}
console.log(`\n${table.join('\n')}`);
process.exit(allGood ? 0 : 1);
