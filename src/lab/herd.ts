import { EXIT } from '../base/errors.ts';
import { readEnvironment } from '../environment.ts';
import type { Experiment, LabContext } from './experiment.ts';
import { herdPage } from './herd/page.ts';
import { herdPlan, ORIGINAL } from './herd/plan.ts';
import type { HerdResult, StrategyResult } from './herd/result.ts';
import { runStrategy } from './herd/run-strategy.ts';
import { herdConclusions, herdTable } from './herd/table.ts';
import { deliver } from './output.ts';

/** A TCP server whose workers are all woken for each connection, and the ways round it. */
export const herd = {
  name: 'herd',
  summary: '24 workers and 50 000 connections, accepted in every way: the thundering herd, and what ends it',
  takes: ['quick', 'accept', 'json'],
  run: runHerd,
} satisfies Experiment;

async function runHerd(context: LabContext): Promise<number> {
  const plan = herdPlan(context);
  const results: StrategyResult[] = [];
  for (const accept of plan.strategies) {
    if (context.signal.aborted) break;
    results.push(await runStrategy(accept, plan, context));
  }
  const { cpuModel, cpuCount, kernelRelease } = readEnvironment();
  const result: HerdResult = {
    experiment: 'herd',
    plan,
    machine: { cpuModel, cpuCount, kernel: kernelRelease },
    strategies: results,
    original: ORIGINAL,
  };
  const shown = herdConclusions(result);
  deliver(context, {
    name: 'herd',
    result,
    text: (paper) => herdTable(paper, result, shown),
    page: () => herdPage(result, shown),
  });
  if (context.signal.aborted) return 130;
  return shown.every(({ holds }) => holds !== false) ? EXIT.ok : EXIT.failed;
}
