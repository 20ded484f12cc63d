// Goal: what the documents show can be typed. Method: every example command of the two pages is taken apart, its values
// parsed and made into a plan.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseTarget } from '../../base/address.ts';
import { parseRatePerSec } from '../../base/units.ts';
import { createPlan } from '../plan.ts';
import { parseArrival } from './arrival-spec.ts';
import { ARRIVALS } from './registry.ts';
import { expectedCounts } from './schedule.ts';
import { parseStage } from './stages.ts';
import { parseThinkTime } from './think-time.ts';

const root = new URL('../../../', import.meta.url);

/** Values of an option, in a command. */
function values(command: string, option: string): string[] {
  return [...command.matchAll(new RegExp(`${option} '?([^\\s']+)`, 'g'))].map((match) => match[1]!);
}

for (const page of ['arrivals', 'scenarios']) {
  const text = readFileSync(new URL(`docs/reference/${page}.md`, root), 'utf8');
  const commands = [...text.matchAll(/^ {4}loopscope load (.*)$/gm)].map((match) => match[1]!);

  test(`docs/reference/${page}.md: every example makes a plan`, () => {
    assert.ok(commands.length >= 3);
    for (const command of commands) {
      const [rate] = values(command, '--rate');
      const [arrivalText] = values(command, '--arrival');
      const [think] = values(command, '--think-time');
      const [scenario] = values(command, '--scenario');
      const stages = values(command, '--stage').map((stage) => parseStage(stage));
      const open = rate !== undefined || stages.length > 0;
      const spec = parseArrival(arrivalText ?? (open ? 'poisson' : 'closed'));
      const plan = createPlan({
        target: parseTarget(command.split(' ')[0]!),
        arrival: spec.arrival,
        arrivalParams: spec.params,
        ratePerSec: rate === undefined ? null : parseRatePerSec(rate, '--rate'),
        stages: stages.length > 0 ? stages : null,
        thinkTime: think === undefined ? null : parseThinkTime(think),
        connectionCount: 100,
        threadCount: 1,
        durationNs: 10e9,
        timeoutNs: 2e9,
        seed: 1,
      });
      const counts = expectedCounts(plan);
      assert.equal(
        ARRIVALS[plan.arrival].openLoop,
        counts.some((count) => count > 0),
        command,
      );
      if (scenario !== undefined) assert.ok(existsSync(fileURLToPath(new URL(scenario, root))), scenario);
    }
  });
}
