/**
 * What the record leaves open, inferred: who ran instead, and which call. Every slice named here is marked as estimated,
 * and the report says how much of a finding is.
 */
import type { NeighbourRecord, ObservationRecord } from '../../record/observation.ts';
import { RUN_QUEUE } from '../limits.ts';
import type { Actor, ActorBook } from './actors.ts';
import { overlapShare, parseCpuList } from './cpu-list.ts';
import type { HostFacts, ThrottleFacts } from './host.ts';
import type { LoopFacts } from './loops.ts';
import { amount, ratio, sumBy } from './numbers.ts';
import { type Cause, runQueueCause, type Slice } from './slices.ts';

export type EstimateContext = {
  observation: ObservationRecord;
  host: HostFacts;
  loops: readonly LoopFacts[];
  throttles: ReadonlyMap<number, ThrottleFacts>;
  actors: ActorBook;
};

export const RUN_QUEUE_CAUSES: ReadonlySet<Cause> = new Set<Cause>([
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
  'cpu.throttled',
  'self',
  'open.run-queue',
  'open.idle-cpu',
]);

const BLOCKED_CAUSES: ReadonlySet<Cause> = new Set<Cause>([
  'io.fsync',
  'io.disk',
  'block.synchronous-call',
  'block.lock',
  'memory.major-fault',
]);

/**
 * A stall seen before the probes were armed says how long, not in which call or behind whom. Stalls of the same loop
 * seen in full lend it their names, in proportion, when there are enough of them.
 */
export function nameFromFullStalls(context: EstimateContext, slices: readonly Slice[]): Slice[] {
  const isFull = (slice: Slice) =>
    slice.stallIndex !== null && context.observation.stalls[slice.stallIndex]!.detail === 'full';
  const named = slices.filter((s) => s.cause !== 'open.run-queue' && s.cause !== 'open.blocked');
  for (const loop of context.loops) {
    const ofLoop = slices.filter((slice) => slice.loopIndex === loop.loopIndex);
    for (const [open, family] of [
      ['open.run-queue', RUN_QUEUE_CAUSES],
      ['open.blocked', BLOCKED_CAUSES],
    ] as const) {
      const unknown = ofLoop.filter((slice) => slice.cause === open);
      const models = ofLoop.filter((s) => isFull(s) && s.cause !== open && family.has(s.cause));
      const modelNs = sumBy(models, (slice) => slice.ns);
      const modelStalls = new Set(models.map((slice) => slice.stallIndex)).size;
      const enough =
        modelStalls >= RUN_QUEUE.extrapolateStalls &&
        modelNs >= RUN_QUEUE.extrapolateShare * sumBy(unknown, (slice) => slice.ns);
      for (const slice of unknown) {
        if (enough) named.push(...inProportion(slice, models, modelNs));
        else named.push(slice);
      }
    }
  }
  return named;
}

/** Splits a slice among the kinds of the models. Models of one kind are merged first, to keep the list short. */
function inProportion(slice: Slice, models: readonly Slice[], modelNs: number): Slice[] {
  const kinds = new Map<string, { model: Slice; ns: number }>();
  for (const model of models) {
    const key = `${model.cause} ${model.actor?.pid ?? ''} ${model.blocked?.call ?? ''}`;
    const kind = kinds.get(key);
    if (kind) kind.ns += model.ns;
    else kinds.set(key, { model, ns: model.ns });
  }
  return [...kinds.values()].map(({ model, ns }) => ({
    ...slice,
    cause: model.cause,
    actor: model.actor,
    blocked: model.blocked,
    ns: (slice.ns * ns) / modelNs,
    estimated: true,
  }));
}

/**
 * Last resort for run-queue delay without a name: processes that used CPU where the loop may run, in proportion to
 * that use. Only when together they used enough to account for the delay.
 */
export function nameFromNeighbours(context: EstimateContext, slices: readonly Slice[]): Slice[] {
  const named: Slice[] = [];
  for (const slice of slices) {
    const loop = context.loops.find((candidate) => candidate.loopIndex === slice.loopIndex);
    const rivals = slice.cause === 'open.run-queue' && loop ? rivalsOf(context, loop) : [];
    const rivalNs = sumBy(rivals, (rival) => rival.ns);
    if (!loop || rivalNs < RUN_QUEUE.neighbourCover * loop.runDelayNs || rivalNs === 0) {
      named.push(slice);
      continue;
    }
    const phase = phaseOf(context.observation, slice, loop);
    for (const { actor, ns } of rivals) {
      const cause = runQueueCause(actor, phase, context.actors);
      named.push({ ...slice, cause, actor, ns: (slice.ns * ns) / rivalNs, estimated: true });
    }
  }
  return named;
}

/**
 * Time that no counter accounts for is what steal looks like from inside. It is taken for steal up to what the host
 * counted on the CPUs in the same run, when that is more than a trickle.
 */
export function nameFromHostSteal(context: EstimateContext, slices: readonly Slice[]): Slice[] {
  const { stealNs, stealShare } = context.host;
  if (!stealNs || (stealShare ?? 0) < RUN_QUEUE.hostStealShare) return [...slices];
  const accountedNs = sumBy(slices, (slice) => (slice.cause === 'cpu.steal' ? slice.ns : 0));
  const residualNs = sumBy(slices, (slice) => (slice.cause === 'open.residual' ? slice.ns : 0));
  const share = ratio(amount(stealNs - accountedNs), residualNs);
  if (share === 0) return [...slices];
  return slices.flatMap((slice) =>
    slice.cause === 'open.residual'
      ? [
          { ...slice, cause: 'cpu.steal' as const, ns: slice.ns * share, estimated: true },
          { ...slice, ns: slice.ns * (1 - share) },
        ]
      : [slice],
  );
}

function phaseOf(observation: ObservationRecord, slice: Slice, loop: LoopFacts): 'work' | 'wait' {
  if (slice.stallIndex !== null) return observation.stalls[slice.stallIndex]!.kind;
  return loop.involuntarySwitches > loop.voluntarySwitches ? 'work' : 'wait';
}

function rivalsOf(context: EstimateContext, loop: LoopFacts): { actor: Actor; ns: number }[] {
  return context.observation.neighbours
    .filter((neighbour) => neighbour.pid !== loop.record.pid)
    .map((neighbour) => ({
      actor: context.actors.actorOf(neighbour.pid, neighbour.comm, neighbour.kernelThread),
      ns: cpuNsWhereLoopRuns(neighbour, loop),
    }))
    .filter((rival) => rival.ns >= 0.02 * loop.runDelayNs && rival.ns > 0);
}

function cpuNsWhereLoopRuns(neighbour: NeighbourRecord, loop: LoopFacts): number {
  return amount(neighbour.cpuNs) * overlapShare(parseCpuList(neighbour.cpusAllowed), loop.allowedCpus);
}
