import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import type { Facts, WatchFacts } from '../facts/facts.ts';
import type { Evidence } from '../finding.ts';
import { SATURATION } from '../limits.ts';
import { fact, type Rule } from '../rule.ts';

/** The loop did useful work all the time, and more was asked of it: no fault, no capacity. */
export const loopSaturated = {
  culprit: 'loop.saturated',
  title: 'the loop had no time left',
  order: 170,
  judge(facts) {
    const { watch, load } = facts;
    const busiest = watch?.saturation.busiest;
    if (!watch || !busiest) return null;
    const { saturation } = watch;
    const busy = `the busiest loop worked ${formatShare(busiest.busyShare)} of the time`;
    const first = saturation.loops[0];
    if (!first) return { cleared: busy };
    if (load && !load.open) return { cleared: `${busy}, as a closed loop is meant to make it` };
    if (load && !saturation.proven) return { cleared: `${busy}, and still kept up with the load` };
    if (!load && (watch.record.tier !== 'bpf' || (first.eventsP50 ?? 0) < SATURATION.eventsWaiting)) {
      return { cleared: `${busy}, but nothing shows that work had to queue` };
    }
    return {
      standing: saturation.proven ? 'decisive' : 'fallback',
      finding: {
        culprit: 'loop.saturated',
        share: 1,
        confidence: saturation.proven ? 'high' : 'medium',
        headline: `${first.name} worked ${formatShare(busiest.busyShare)} of the time and more was offered: it is full`,
        evidence: evidenceOf(facts, watch),
        advice: [
          'add workers or machines, or spread connections more evenly',
          'make the usual request cheaper: profile the server at this load',
          load
            ? 'find the highest rate it can hold: lower --rate until this verdict goes'
            : 'shed or queue load in front of it',
        ],
      },
    };
  },
} satisfies Rule;

function evidenceOf({ load }: Facts, watch: WatchFacts): Evidence[] {
  const { loops, offeredExceeds } = watch.saturation;
  const first = loops[0]!;
  const evidence = [
    fact(
      'saturated_loops',
      loops.length,
      'loops',
      `${loops.length} of ${watch.loops.length} loops had work at least ${formatShare(SATURATION.busyShare)} of the time.`,
    ),
    fact(
      'cpu_share',
      first.cpuShare,
      'share',
      `${first.name} used ${formatShare(first.cpuShare)} of a CPU, and waited for one ${formatShare(first.runDelayShare)} ` +
        'of the time.',
    ),
  ];
  if (load && offeredExceeds) {
    const c = load.record.counts;
    const late = load.lateness
      ? `; the usual request waited ${formatNs(load.lateness.quantileNs(0.5))} to be sent`
      : '';
    evidence.push(
      fact(
        'achieved_share',
        load.achievedShare,
        'share',
        `${formatCount(load.endedCount)} of ${formatCount(c.planned)} planned requests came to an end ` +
          `(${formatShare(load.achievedShare)})${late}.`,
      ),
    );
  }
  if (first.eventsP50 !== null) {
    evidence.push(
      fact(
        'events_per_wakeup',
        first.eventsP50,
        'events',
        `At half of its looks ${first.eventsP50} or more events were already waiting.`,
      ),
    );
  }
  if (watch.host.listenOverflows) {
    evidence.push(
      fact(
        'listen_overflows',
        watch.host.listenOverflows,
        'connections',
        `${formatCount(watch.host.listenOverflows)} connections overflowed a listen queue of this host.`,
      ),
    );
  }
  return evidence;
}
