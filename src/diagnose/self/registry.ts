import type { BaseFacts } from '../facts/facts.ts';
import type { SelfCheck } from '../finding.ts';
import type { Check } from '../self-check.ts';
import { arrivalGaps } from './arrival-gaps.ts';
import { arrivalShape } from './arrival-shape.ts';
import { censoring } from './censoring.ts';
import { clientCpu } from './client-cpu.ts';
import { clientPauses } from './client-pauses.ts';
import { clientQueueing } from './client-queueing.ts';
import { clientRunQueue } from './client-run-queue.ts';
import { clientThrottled } from './client-throttled.ts';
import { clockResolution } from './clock-resolution.ts';
import { completeness } from './completeness.ts';
import { connections } from './connections.ts';
import { conservation } from './conservation.ts';
import { ephemeralPorts } from './ephemeral-ports.ts';
import { hostNoise } from './host-noise.ts';
import { interference } from './interference.ts';
import { lateness } from './lateness.ts';
import { littlesLaw } from './littles-law.ts';
import { networkQueues } from './network-queues.ts';
import { observerCost } from './observer-cost.ts';
import { observerLosses } from './observer-losses.ts';
import { outcomes } from './outcomes.ts';
import { rateHeld } from './rate-held.ts';
import { replayDispersion } from './replay-dispersion.ts';
import { replayGaps } from './replay-gaps.ts';
import { replayLag } from './replay-lag.ts';
import { replayLines } from './replay-lines.ts';
import { replayOrder } from './replay-order.ts';
import { replayStarved } from './replay-starved.ts';
import { sampleSize } from './sample-size.ts';
import { stationarity } from './stationarity.ts';
import { synchronisation } from './synchronisation.ts';
import { threadsAgree } from './threads-agree.ts';
import { threeClocks } from './three-clocks.ts';
import { warmUp } from './warm-up.ts';

/** In the order of the report: the books, the schedule, the log that was
 * replayed, the client, the network, the statistics, the observer. */
export const CHECKS: readonly Check[] = [
  conservation,
  threeClocks,
  completeness,
  outcomes,
  censoring,
  rateHeld,
  lateness,
  arrivalShape,
  arrivalGaps,
  synchronisation,
  replayLines,
  replayOrder,
  replayGaps,
  replayDispersion,
  replayLag,
  replayStarved,
  clientCpu,
  clientRunQueue,
  clientQueueing,
  clientThrottled,
  clientPauses,
  clockResolution,
  connections,
  networkQueues,
  ephemeralPorts,
  warmUp,
  stationarity,
  sampleSize,
  threadsAgree,
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
