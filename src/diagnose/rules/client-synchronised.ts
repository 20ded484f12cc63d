import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import { fitCpu } from '../facts/cpu-fit.ts';
import type { Facts, WatchFacts } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import type { LoopFacts } from '../facts/loops.ts';
import { amount, maxBy, ratio } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { SYNCHRONISED } from '../limits.ts';
import { hasOtherFault } from '../own-doing.ts';
import { fact, type Rule } from '../rule.ts';

/** Requests came in lock-step, so the server woke once for many: a cost and a latency that real traffic would not have. */
export const clientSynchronised = {
  culprit: 'client.synchronised',
  title: 'requests arrived in lock-step',
  order: 180,
  judge(facts) {
    const { load, watch } = facts;
    if (!load || load.record.arrivals.sentCount < 100) return null;
    const shape = load.record.arrivals;
    const asked = load.record.plan.arrival === 'synced';
    const idc = asked ? Math.max(shape.idc1ms, shape.idc10ms) : shape.idc10ms;
    if (!(asked ? idc >= SYNCHRONISED.askedIdc : isUnaskedLockStep(load))) {
      return {
        cleared: `index of dispersion ${idc.toFixed(2)} ${asked ? 'at most' : 'at 10 ms'}; Poisson is 1`,
      };
    }
    const otherFault = watch !== null && hasOtherFault(watch);
    const ownStalls = watch?.excess.tallies.get('loop.too-many-events')?.share ?? 0;
    // In a closed loop every connection is taken by design; clients that pause alike are in step by their own doing.
    const queued = load.poolDry && (load.open || !load.record.plan.thinkTime);
    const blurred = !asked && (queued || (watch?.material.length ?? 0) > 0);
    if (blurred) {
      return {
        cleared: `index of dispersion ${idc.toFixed(1)} at 10 ms, but requests queued behind late replies`,
      };
    }
    return {
      standing: otherFault || watch?.saturation.proven ? 'aside' : 'decisive',
      finding: {
        culprit: 'client.synchronised',
        share: otherFault ? ownStalls : 1,
        confidence: asked ? 'high' : 'medium',
        headline: `${asked ? 'as asked, requests' : 'requests'} arrived in lock-step, up to ${formatCount(
          shape.maxIn1ms,
        )} in one millisecond: the server’s cost per request is understated`,
        evidence: evidenceOf(facts, load, idc),
        advice: [
          'measure again with --arrival poisson at the same rate and compare CPU per request',
          'in a load tool of your own, randomise the think time of each connection',
        ],
      },
    };
  },
} satisfies Rule;

function isUnaskedLockStep(load: LoadFacts): boolean {
  const shape = load.record.arrivals;
  const scheduled = shape.planned?.idc10ms ?? 1;
  if (shape.idc10ms < SYNCHRONISED.unaskedIdc || scheduled >= SYNCHRONISED.unaskedIdc / 2) return false;
  // Gaps are not recorded in a closed loop, where they are the server's doing unless clients pause.
  if (!load.open) return Boolean(load.record.plan.thinkTime);
  return shape.shortGapShare - shape.shortGapShareIfPoisson >= SYNCHRONISED.unaskedShortGapExcess;
}

function evidenceOf({ watch }: Facts, load: LoadFacts, idc: number): Evidence[] {
  const shape = load.record.arrivals;
  const evidence = [
    fact(
      'arrival_idc',
      idc,
      'ratio',
      `The index of dispersion of arrivals is ${idc.toFixed(1)}; constant is 0, Poisson (independent users) is 1.`,
    ),
    fact(
      'arrivals_max_in_1ms',
      shape.maxIn1ms,
      'requests',
      `Up to ${shape.maxIn1ms} requests were sent within one millisecond, at a mean of ` +
        `${formatCount(Math.round(shape.meanRatePerSec))} a second.`,
    ),
  ];
  if (load.open) {
    evidence.push(
      fact(
        'short_gap_share',
        shape.shortGapShare,
        'share',
        `${Math.round(shape.shortGapShare * 100)} % of gaps were below 150 µs; independent arrivals would have ` +
          `${Math.round(shape.shortGapShareIfPoisson * 100)} %.`,
      ),
    );
  }
  const loop = maxBy(watch?.loops ?? [], (candidate) => candidate.eventCount);
  if (loop && loop.cycleCount >= 1) {
    const mean = loop.eventCount / loop.cycleCount;
    evidence.push(
      fact(
        'events_per_wakeup',
        mean,
        'events',
        `${loop.name} handled ${mean.toFixed(1)} events a wake-up on average (p99 ${loop.eventsP99 ?? 0}), at ` +
          `${formatNs(loop.normalEventNs ?? 0)} each: one wake-up was shared by many requests, which hides its cost.`,
      ),
      ...hiddenCpu(watch!, loop),
    );
  }
  return evidence;
}

/**
 * Where the run had windows of several shapes, what a wake-up costs is known, and so what a wake-up for each event would
 * have cost: what independent requests come to while the loop is mostly idle.
 */
function hiddenCpu({ record }: WatchFacts, loop: LoopFacts): Evidence[] {
  const points = record.windows
    .filter(({ loopIndex }) => loopIndex === loop.loopIndex)
    .map(({ eventCount, cycleCount, cpuNs }) => ({ events: eventCount, wakeUps: cycleCount, cpuNs }));
  const fit = fitCpu(points);
  if (!fit) return [];
  const hiddenNs = fit.wakeUpNs * amount(loop.eventCount - loop.cycleCount);
  const share = ratio(hiddenNs, loop.cpuNs + hiddenNs);
  return [
    fact(
      'hidden_cpu_share',
      share,
      'share',
      `A wake-up costs ${formatNs(fit.wakeUpNs)} and an event ${formatNs(fit.eventNs)} (R² ${fit.r2.toFixed(2)} over ` +
        `${fit.pointCount} windows): woken for each event, ${loop.name} would use ${formatNs(hiddenNs)} more CPU; ` +
        `${formatShare(share)} of what the same requests cost is hidden.`,
    ),
  ];
}
