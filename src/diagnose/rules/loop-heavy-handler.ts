import { printable } from '../../base/printable.ts';
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import type { Stall } from '../../record/observation.ts';
import { ratio, sumBy } from '../facts/numbers.ts';
import { type FrameShare, topFrame } from '../facts/stacks.ts';
import { fact, judgeByLostTime, type Rule } from '../rule.ts';

/** One event's handler computed for so long that every other event of the loop was late. */
export const loopHeavyHandler = {
  culprit: 'loop.heavy-handler',
  title: 'a handler computed too long',
  order: 160,
  judge: (facts) =>
    judgeByLostTime(facts, 'loop.heavy-handler', (tally, watch) => {
      const stalls = tally.slices.flatMap((slice) =>
        slice.stallIndex === null ? [] : watch.record.stalls[slice.stallIndex]!,
      );
      const top = topFrame(stalls);
      const loop = tally.worstLoop?.name ?? 'the loop';
      const meanNs = tally.lostNs / Math.max(1, stalls.length);
      return {
        headline: `${loop} computed for ${formatNs(meanNs)} in one turn${top ? `, mostly in ${top.frame}` : ''}`,
        evidence: evidenceOf(stalls, tally.lostNs, tally.worstLoop?.normalEventNs ?? null, top),
        advice: [
          'move the computation to a worker thread, or split it and yield between parts',
          ...(top && isGarbageCollector(top.frame)
            ? ['allocate less per request: the time is garbage collection']
            : []),
          'profile those turns only: the stacks in the report come from stalled turns',
        ],
      };
    }),
} satisfies Rule;

function evidenceOf(
  stalls: readonly Stall[],
  lostNs: number,
  normalNs: number | null,
  top: FrameShare | null,
) {
  const userNs = sumBy(stalls, (stall) => stall.account.userNs);
  const wallNs = sumBy(stalls, (stall) => stall.wallNs);
  const events = sumBy(stalls, (stall) => Math.max(1, stall.eventCount));
  const eachNs = lostNs / Math.max(1, events);
  const usual = normalNs === null ? '' : `; a usual one costs ${formatNs(normalNs)}`;
  return [
    fact(
      'user_cpu_share',
      ratio(userNs, wallNs),
      'share',
      `${formatShare(ratio(userNs, wallNs))} of the stalled turns was the server’s own code on the CPU.`,
    ),
    fact(
      'cpu_per_event',
      eachNs,
      'ns',
      `Those turns had ${formatCount(events / Math.max(1, stalls.length))} events each, at ${formatNs(eachNs)} of CPU ` +
        `for one${usual}.`,
    ),
    ...(top
      ? [
          fact(
            'top_frame',
            top.frame,
            '',
            `${formatShare(top.share)} of ${top.sampleCount} stack samples are in ${top.frame}` +
              `${top.caller ? `, called from ${top.caller}` : ''}.`,
          ),
        ]
      : []),
  ];
}

/** V8, Go and CPython name their collectors so. */
function isGarbageCollector(frame: string): boolean {
  return /Scavenge|MarkCompact|CollectGarbage|gcBgMarkWorker|mallocgc|gc_collect/.test(printable(frame, 200));
}
