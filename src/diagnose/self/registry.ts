import type { BaseFacts } from '../facts/facts.ts';
import type { SelfCheck } from '../finding.ts';
import type { Check } from '../self-check.ts';
import { arrivalShape } from './arrival-shape.ts';
import { clientCpu } from './client-cpu.ts';
import { clientRunQueue } from './client-run-queue.ts';
import { clientThrottled } from './client-throttled.ts';
import { clockResolution } from './clock-resolution.ts';
import { completeness } from './completeness.ts';
import { conservation } from './conservation.ts';
import { hostNoise } from './host-noise.ts';
import { interference } from './interference.ts';
import { lateness } from './lateness.ts';
import { littlesLaw } from './littles-law.ts';
import { observerCost } from './observer-cost.ts';
import { observerLosses } from './observer-losses.ts';
import { outcomes } from './outcomes.ts';
import { rateHeld } from './rate-held.ts';
import { sampleSize } from './sample-size.ts';
import { stationarity } from './stationarity.ts';

/** In the order of the report: the books, the schedule, the client's CPU, the statistics, the observer. */
export const CHECKS: readonly Check[] = [
  conservation,
  completeness,
  outcomes,
  rateHeld,
  lateness,
  arrivalShape,
  clientCpu,
  clientRunQueue,
  clientThrottled,
  clockResolution,
  sampleSize,
  stationarity,
  littlesLaw,
  observerCost,
  observerLosses,
  interference,
  hostNoise,
];

/** Every check that applies to the run. */
export function judgeSelf(facts: BaseFacts): SelfCheck[] {
  return CHECKS.flatMap((check) => {
    const result = check.judge(facts);
    return result ? [{ name: check.name, spoils: [], ...result }] : [];
  });
}
