import { formatCount, formatNs } from '../../base/units.ts';
import { sumBy } from '../facts/numbers.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** Turns were long because many events came at once, each at its usual cost. */
export const loopTooManyEvents = {
  culprit: 'loop.too-many-events',
  title: 'too many events came at once',
  order: 150,
  judge: (facts) =>
    judgeByLostTime(facts, 'loop.too-many-events', (tally, watch) => {
      const stalls = tally.slices.flatMap((slice) =>
        slice.stallIndex === null ? [] : watch.record.stalls[slice.stallIndex]!,
      );
      const events = sumBy(stalls, (stall) => stall.eventCount) / Math.max(1, stalls.length);
      const usual = tally.worstLoop?.eventsP50 ?? 1;
      const eachNs = tally.lostNs / Math.max(1, events * stalls.length);
      const loop = tally.worstLoop?.name ?? 'the loop';
      return {
        headline: `${loop} met ${formatCount(Math.round(events))} events in one turn where ${usual} is usual`,
        evidence: [
          fact(
            'events_in_stalled_turns',
            events,
            'events',
            `Stalled turns had ${formatCount(Math.round(events))} events on average; half of all turns have ${usual} or fewer.`,
          ),
          fact(
            'cpu_per_event',
            eachNs,
            'ns',
            `Each cost ${formatNs(eachNs)} of CPU, against ${formatNs(tally.worstLoop?.normalEventNs ?? 0)} usually: ` +
              'it is their number, not their weight.',
          ),
        ],
        advice: [
          'balance connections over more workers',
          'take fewer events a turn (maxevents of epoll_wait; nginx: epoll_events)',
          'find what makes them come together (timers, health checks, a client in lock-step)',
        ],
      };
    }),
} satisfies Rule;
