/** The one global schedule of a plan, and what it promises before anything is sent. */
import { LoopscopeError } from '../../base/errors.ts';
import { formatNs, NS_PER_S } from '../../base/units.ts';
import { type Arrival, expectedCount, type Schedule, type ScheduleOptions, stripe } from './arrival.ts';
import type { ArrivalSpec } from './arrival-spec.ts';
import { ARRIVALS } from './registry.ts';
import type { Stage } from './stages.ts';

export const MAX_DURATION_NS = 24 * 3600 * NS_PER_S;
export const MIN_DURATION_NS = 1e6;

/** What a schedule depends on; a Plan has it all. */
export type ScheduledPlan = {
  readonly arrival: ArrivalSpec['arrival'];
  readonly arrivalParams: ArrivalSpec['params'];
  readonly ratePerSec: number | null;
  readonly durationNs: number;
  /** No more requests than so many; null or absent: as many as the rate makes due. */
  readonly requestLimit?: number | null;
  readonly connectionCount: number;
  readonly seed: number;
  /** Null: one rate throughout. */
  readonly stages: readonly Stage[] | null;
};

/** The whole run's schedule; null in a closed loop. Times are ns since the load began. */
export function createPlanSchedule(plan: ScheduledPlan): Schedule | null {
  if (!ARRIVALS[plan.arrival].openLoop) return null;
  const parts = pieces(plan).map(({ arrival, options }) => ({
    schedule: arrival.createSchedule(options),
    durationNs: options.durationNs,
  }));
  const whole = parts.length === 1 ? parts[0]!.schedule : chain(parts);
  return plan.requestLimit == null ? whole : first(plan.requestLimit, whole);
}

/** One thread's part of it. */
export function createThreadSchedule(
  plan: ScheduledPlan & { readonly threadCount: number },
  threadIndex: number,
): Schedule | null {
  const whole = createPlanSchedule(plan);
  return whole && stripe(whole, threadIndex, plan.threadCount);
}

/** How many requests will be due, in each stage (a run without stages is one). Empty in a closed loop. */
export function expectedCounts(plan: ScheduledPlan): number[] {
  if (!ARRIVALS[plan.arrival].openLoop) return [];
  return pieces(plan).map(({ arrival, options }) => expectedCount(arrival, options));
}

/** How long a schedule goes on until it has made `count` requests due, ns. A closed loop takes what it takes. */
export function durationOfRequests(count: number, plan: Omit<ScheduledPlan, 'durationNs'>): number {
  if (!ARRIVALS[plan.arrival].openLoop || plan.ratePerSec === null) return MAX_DURATION_NS;
  let durationNs = Math.max(MIN_DURATION_NS, Math.ceil((count / plan.ratePerSec) * NS_PER_S));
  const due = () => expectedCounts({ ...plan, durationNs }).reduce((sum, each) => sum + each, 0);
  // Bursts may make fewer due than their mean rate says.
  while (durationNs <= MAX_DURATION_NS && due() < count) durationNs = Math.ceil(durationNs * 1.1);
  if (durationNs <= MAX_DURATION_NS) return durationNs;
  throw new LoopscopeError(
    'USAGE',
    `--requests: ${count} at this --rate take longer than the ${formatNs(MAX_DURATION_NS)} that a run may last`,
    'raise --rate, or ask for fewer',
  );
}

function pieces(plan: ScheduledPlan): { arrival: Arrival; options: ScheduleOptions }[] {
  const { connectionCount, seed } = plan;
  if (plan.stages === null) {
    const options = { ratePerSec: plan.ratePerSec!, durationNs: plan.durationNs, params: plan.arrivalParams };
    return [{ arrival: ARRIVALS[plan.arrival], options: { connectionCount, seed, ...options } }];
  }
  return plan.stages.map((stage, stream) => {
    const spec = stage.arrival ?? { arrival: plan.arrival, params: plan.arrivalParams };
    const options: ScheduleOptions = {
      ratePerSec: stage.fromRatePerSec,
      toRatePerSec: stage.toRatePerSec,
      durationNs: stage.durationNs,
      connectionCount,
      seed,
      stream,
      params: spec.params,
    };
    return { arrival: ARRIVALS[spec.arrival], options };
  });
}

/** The first `count` requests of a schedule. */
function first(count: number, schedule: Schedule): Schedule {
  let left = count;
  return {
    nextPlannedNs() {
      if (left === 0) return Number.POSITIVE_INFINITY;
      left--;
      return schedule.nextPlannedNs();
    },
  };
}

/** One after another, each beginning where the time of the one before ends. */
function chain(parts: readonly { schedule: Schedule; durationNs: number }[]): Schedule {
  let index = 0;
  let fromNs = 0;
  return {
    nextPlannedNs() {
      for (;;) {
        const part = parts[index];
        if (part === undefined) return Number.POSITIVE_INFINITY;
        const atNs = part.schedule.nextPlannedNs();
        if (atNs !== Number.POSITIVE_INFINITY) return fromNs + atNs;
        fromNs += part.durationNs;
        index++;
      }
    },
  };
}
