import { formatCount, formatNs } from '../../base/units.ts';
import type { Facts } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { maxBy } from '../facts/numbers.ts';
import type { CulpritId, Evidence } from '../finding.ts';
import { SYNCHRONISED } from '../limits.ts';
import { fact, type Rule } from '../rule.ts';

/**
 * What bursts do to a server by themselves: crowded turns, and a queue for the CPU. Other faults (a disk, a sleep, a
 * slow handler) are real whatever the arrivals, and come first.
 */
const OWN_DOING: ReadonlySet<CulpritId> = new Set<CulpritId>([
  'loop.too-many-events',
  'cpu.contended',
  'cpu.preempted',
  'cpu.kernel-thread',
]);

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
    const otherFault = watch?.material.some((culprit) => !OWN_DOING.has(culprit)) ?? false;
    const ownStalls = watch?.excess.tallies.get('loop.too-many-events')?.share ?? 0;
    const blurred = !asked && (load.poolDry || (watch?.material.length ?? 0) > 0);
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
  return (
    shape.idc10ms >= SYNCHRONISED.unaskedIdc &&
    scheduled < SYNCHRONISED.unaskedIdc / 2 &&
    shape.shortGapShare - shape.shortGapShareIfPoisson >= SYNCHRONISED.unaskedShortGapExcess
  );
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
    fact(
      'short_gap_share',
      shape.shortGapShare,
      'share',
      `${Math.round(shape.shortGapShare * 100)} % of gaps were below 150 µs; independent arrivals would have ` +
        `${Math.round(shape.shortGapShareIfPoisson * 100)} %.`,
    ),
  ];
  const loop = maxBy(watch?.loops ?? [], (candidate) => candidate.eventCount);
  if (loop && loop.cycleCount > 0) {
    const mean = loop.eventCount / loop.cycleCount;
    evidence.push(
      fact(
        'events_per_wakeup',
        mean,
        'events',
        `${loop.name} handled ${mean.toFixed(1)} events a wake-up on average (p99 ${loop.eventsP99 ?? 0}), at ` +
          `${formatNs(loop.normalEventNs ?? 0)} each: one wake-up was shared by many requests, which hides its cost.`,
      ),
    );
  }
  return evidence;
}
