/**
 * The excess: all time that loops lost to stalls, late wake-ups and the run queue, by cause. Shares of every finding
 * are shares of this sum, so they can be compared and never add up to more than one.
 */
import type { NeighbourRecord, ObservationRecord } from '../../record/observation.ts';
import { RUN_QUEUE, STALL } from '../limits.ts';
import type { Actor, ActorBook } from './actors.ts';
import { overlapShare, parseCpuList } from './cpu-list.ts';
import type { HostFacts, ThrottleFacts } from './host.ts';
import type { LoopFacts } from './loops.ts';
import { amount, maxBy, ratio, sumBy } from './numbers.ts';
import { type Cause, runQueueCause, type Slice, slicesOfStall, UNNAMED, type Unnamed } from './slices.ts';

export type CauseTally = {
  cause: Cause;
  lostNs: number;
  /** Share of the excess. */
  share: number;
  /** Separate delays. */
  count: number;
  /** Stalls that took part in it. */
  stallCount: number;
  /** Share of its own time that the worst-hit loop lost to it. */
  worstLoopShare: number;
  worstLoop: LoopFacts | null;
  /** Wake-ups that it made late, and their share of the worst-hit loop's cycles. */
  lateWakeCount: number;
  lateWakeShare: number;
  longestNs: number;
  /** Share of it that is inferred. */
  estimatedShare: number;
  slices: Slice[];
};

export type Excess = {
  lostNs: number;
  loopTimeNs: number;
  /** lostNs ÷ loopTimeNs. */
  lostShare: number;
  worstLoopShare: number;
  worstLoop: LoopFacts | null;
  tallies: Map<Cause, CauseTally>;
  /** Stalls that count: those within their timer's slack do not. */
  stallCount: number;
  withinSlackCount: number;
  /** Share of lost time from stalls seen with the scheduler probes armed. */
  fullDetailShare: number;
  unnamedNs: number;
  /** Share of the excess. */
  unnamedShare: number;
};

type Context = {
  observation: ObservationRecord;
  host: HostFacts;
  loops: readonly LoopFacts[];
  throttles: ReadonlyMap<number, ThrottleFacts>;
  actors: ActorBook;
};

export function excessOf(context: Context): Excess {
  const { observation } = context;
  const { slices, withinSlackCount } = stallSlices(context);
  slices.push(...diffuseSlices(context, slices), ...blockedSlices(context));
  const named = nameFromHostSteal(context, nameFromNeighbours(context, nameFromFullStalls(context, slices)));
  const lostNs = sumBy(named, (slice) => slice.ns);
  const loopTimeNs = sumBy(context.loops, (loop) => loop.timeNs);
  const worst = worstLoop(context.loops, named);
  const fullNs = sumBy(named, (s) =>
    s.stallIndex !== null && observation.stalls[s.stallIndex]!.detail === 'full' ? s.ns : 0,
  );
  const unnamedNs = sumBy(named, (slice) => (slice.cause in UNNAMED ? slice.ns : 0));
  return {
    lostNs,
    loopTimeNs,
    lostShare: ratio(lostNs, loopTimeNs),
    worstLoopShare: worst.share,
    worstLoop: worst.loop,
    tallies: talliesOf(context.loops, named, lostNs),
    stallCount: observation.stalls.length - withinSlackCount,
    withinSlackCount,
    fullDetailShare: ratio(fullNs, lostNs),
    unnamedNs,
    unnamedShare: ratio(unnamedNs, lostNs),
  };
}

/** Late wake-ups, which are stalls of kind "wait", against the cycles of the loop that had most of them. */
function lateWakes(
  loops: readonly LoopFacts[],
  slices: readonly Slice[],
): Pick<CauseTally, 'lateWakeCount' | 'lateWakeShare'> {
  const perLoop = new Map<number, Set<number>>();
  for (const slice of slices) {
    if (slice.phase !== 'wait' || slice.stallIndex === null || slice.ns < STALL.countedNs) continue;
    const stalls = perLoop.get(slice.loopIndex);
    if (stalls) stalls.add(slice.stallIndex);
    else perLoop.set(slice.loopIndex, new Set([slice.stallIndex]));
  }
  let lateWakeCount = 0;
  let lateWakeShare = 0;
  for (const loop of loops) {
    const count = perLoop.get(loop.loopIndex)?.size ?? 0;
    lateWakeCount += count;
    lateWakeShare = Math.max(lateWakeShare, ratio(count, loop.cycleCount));
  }
  return { lateWakeCount, lateWakeShare };
}

export function tallyOf(excess: Excess, ...causes: Cause[]): CauseTally[] {
  return causes.flatMap((cause) => excess.tallies.get(cause) ?? []);
}

/** The largest causes without a culprit's name. */
export function unnamedTallies(excess: Excess): (CauseTally & { cause: Unnamed })[] {
  const unnamed = [...excess.tallies.values()].filter((tally) => tally.cause in UNNAMED);
  return (unnamed as (CauseTally & { cause: Unnamed })[]).sort((a, b) => b.lostNs - a.lostNs);
}

function stallSlices(context: Context): { slices: Slice[]; withinSlackCount: number } {
  const byIndex = new Map(context.loops.map((loop) => [loop.loopIndex, loop]));
  const slices: Slice[] = [];
  let withinSlackCount = 0;
  const sampled = context.observation.stalls.some((stall) => stall.stacks.length > 0);
  context.observation.stalls.forEach((stall, index) => {
    const loop = byIndex.get(stall.loopIndex);
    if (!loop) return;
    const split = slicesOfStall(stall, index, {
      budgetNs: amount(context.observation.budgetNs),
      actors: context.actors,
      loop,
      throttle: context.throttles.get(loop.loopIndex) ?? null,
      sampled,
    });
    if (split.withinSlack) withinSlackCount++;
    for (const slice of split.slices) slices.push(slice);
  });
  return { slices, withinSlackCount };
}

const RUN_QUEUE_CAUSES: ReadonlySet<Cause> = new Set<Cause>([
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
  'cpu.throttled',
  'self',
  'open.run-queue',
  'open.idle-cpu',
]);

/**
 * Run-queue delay outside stalls: many wake-ups each a little late, or, without the probes, all of it. Counted only
 * when it is too much and too long at a time to be the ordinary cost of waking up.
 */
function diffuseSlices(context: Context, slices: readonly Slice[]): Slice[] {
  const diffuse: Slice[] = [];
  for (const loop of context.loops) {
    const inStallsNs = sumBy(slices, (s) =>
      s.loopIndex === loop.loopIndex && RUN_QUEUE_CAUSES.has(s.cause) ? s.ns : 0,
    );
    const outsideNs = amount(loop.runDelayNs - inStallsNs);
    const count = Math.round(loop.voluntarySwitches + loop.involuntarySwitches);
    if (ratio(outsideNs, loop.timeNs) < RUN_QUEUE.diffuseShare) continue;
    if (outsideNs / Math.max(1, count) < RUN_QUEUE.diffuseMeanNs) continue;
    const throttle = context.throttles.get(loop.loopIndex);
    const quotaNs = throttle?.proven ? throttle.share * outsideNs : 0;
    const base = {
      loopIndex: loop.loopIndex,
      stallIndex: null,
      phase: null,
      actor: null,
      blocked: null,
      estimated: false,
    };
    if (quotaNs > 0) {
      diffuse.push({ ...base, cause: 'cpu.throttled', ns: quotaNs, count: throttle!.throttledCount });
    }
    if (outsideNs > quotaNs)
      diffuse.push({ ...base, cause: 'open.run-queue', ns: outsideNs - quotaNs, count });
  }
  return diffuse;
}

/** Time in D state in the proc tier: real, but in which call nobody saw. */
function blockedSlices(context: Context): Slice[] {
  if (context.observation.tier !== 'proc') return [];
  return context.loops
    .filter((loop) => loop.blockedNs > 0)
    .map((loop) => ({
      cause: 'open.blocked' as const,
      ns: loop.blockedNs,
      loopIndex: loop.loopIndex,
      stallIndex: null,
      phase: null,
      count: context.observation.windows.filter(
        (w) => w.loopIndex === loop.loopIndex && amount(w.blockedShare) > 0,
      ).length,
      actor: null,
      blocked: null,
      estimated: false,
    }));
}

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
function nameFromFullStalls(context: Context, slices: readonly Slice[]): Slice[] {
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
function nameFromNeighbours(context: Context, slices: readonly Slice[]): Slice[] {
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
      const cause = runQueueCause(actor, phase);
      named.push({ ...slice, cause, actor, ns: (slice.ns * ns) / rivalNs, estimated: true });
    }
  }
  return named;
}

/**
 * Time that no counter accounts for is what steal looks like from inside. It is taken for steal up to what the host
 * counted on the CPUs in the same run, when that is more than a trickle.
 */
function nameFromHostSteal(context: Context, slices: readonly Slice[]): Slice[] {
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

function rivalsOf(context: Context, loop: LoopFacts): { actor: Actor; ns: number }[] {
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

function worstLoop(
  loops: readonly LoopFacts[],
  slices: readonly Slice[],
): { loop: LoopFacts | null; share: number } {
  const lost = new Map<number, number>();
  for (const slice of slices) lost.set(slice.loopIndex, (lost.get(slice.loopIndex) ?? 0) + slice.ns);
  const shareOf = (loop: LoopFacts) => ratio(lost.get(loop.loopIndex) ?? 0, loop.timeNs);
  const loop = maxBy(loops, shareOf);
  return { loop, share: loop ? shareOf(loop) : 0 };
}

function talliesOf(
  loops: readonly LoopFacts[],
  slices: readonly Slice[],
  lostNs: number,
): Map<Cause, CauseTally> {
  const groups = new Map<Cause, Slice[]>();
  for (const slice of slices) {
    const group = groups.get(slice.cause);
    if (group) group.push(slice);
    else groups.set(slice.cause, [slice]);
  }
  return new Map([...groups].map(([cause, group]) => [cause, tallySlices(cause, group, loops, lostNs)]));
}

/** Also used to add up several causes under one name. */
export function tallySlices(
  cause: Cause,
  slices: Slice[],
  loops: readonly LoopFacts[],
  excessNs: number,
): CauseTally {
  const lostNs = sumBy(slices, (slice) => slice.ns);
  const perStall = new Map<number, number>();
  let outsideCount = 0;
  for (const slice of slices) {
    if (slice.stallIndex === null) outsideCount += slice.count;
    else perStall.set(slice.stallIndex, (perStall.get(slice.stallIndex) ?? 0) + slice.ns);
  }
  const worst = worstLoop(loops, slices);
  let longestNs = 0;
  let stallCount = 0;
  for (const ns of perStall.values()) {
    longestNs = Math.max(longestNs, ns);
    if (ns >= STALL.countedNs) stallCount++;
  }
  return {
    cause,
    lostNs,
    share: ratio(lostNs, excessNs),
    count: stallCount + outsideCount,
    stallCount,
    worstLoopShare: worst.share,
    worstLoop: worst.loop,
    ...lateWakes(loops, slices),
    longestNs,
    estimatedShare: ratio(
      sumBy(slices, (slice) => (slice.estimated ? slice.ns : 0)),
      lostNs,
    ),
    slices,
  };
}
