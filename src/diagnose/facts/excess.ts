/**
 * The excess: all time that loops lost to stalls, late wake-ups and the run queue, by cause. Shares of every finding
 * are shares of this sum, so they can be compared and never add up to more than one.
 */
import { RUN_QUEUE, STALL } from '../limits.ts';
import {
  type EstimateContext,
  nameFromFullStalls,
  nameFromHostSteal,
  nameFromNeighbours,
  RUN_QUEUE_CAUSES,
} from './estimates.ts';
import type { LoopFacts } from './loops.ts';
import { amount, maxBy, ratio, sumBy } from './numbers.ts';
import { type Cause, type Slice, slicesOfStall, UNNAMED, type Unnamed } from './slices.ts';

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

export function excessOf(context: EstimateContext): Excess {
  const { observation } = context;
  const { slices: stalled, withinSlackCount } = stallSlices(context);
  const slices = stalled.concat(diffuseSlices(context, stalled), blockedSlices(context));
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

function stallSlices(context: EstimateContext): { slices: Slice[]; withinSlackCount: number } {
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

/**
 * Run-queue delay outside stalls: many wake-ups each a little late, or, without the probes, all of it. Counted only
 * when it is too much and too long at a time to be the ordinary cost of waking up.
 */
function diffuseSlices(context: EstimateContext, slices: readonly Slice[]): Slice[] {
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
function blockedSlices(context: EstimateContext): Slice[] {
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
