import { formatNs } from '../../base/units.ts';
import { blockedEvidence, meanDelayNs } from '../blocked.ts';
import { actorName } from '../facts/actors.ts';
import type { Facts } from '../facts/facts.ts';
import { fact, type Judgement, judgeByLostTime, type Rule } from '../rule.ts';

/** A tracer stops the thread at every system call or signal: whatever else is measured, is measured under it. */
export const observerPtrace = {
  culprit: 'observer.ptrace',
  title: 'a debugger or strace is attached',
  order: 10,
  judge(facts) {
    const { watch } = facts;
    if (!watch || watch.loops.length === 0) return null;
    const traced = watch.loops.filter((loop) => loop.record.tracerPid !== 0);
    const first = traced[0];
    if (!first) return judgeStops(facts);
    const { tracerPid } = first.record;
    const known = watch.record.neighbours.find((neighbour) => neighbour.pid === tracerPid);
    const tracer = known ? actorName(known) : `pid ${tracerPid}`;
    return {
      standing: 'decisive',
      finding: {
        culprit: 'observer.ptrace',
        share: 1,
        confidence: 'high',
        headline: `${tracer} is tracing ${first.name}: every system call of it stops twice`,
        evidence: [
          fact('tracer_pid', tracerPid, 'pid', `TracerPid of ${first.name} is ${tracerPid} (${tracer}).`),
          fact(
            'traced_loops',
            traced.length,
            'loops',
            `${traced.length} of ${watch.loops.length} loops are traced.`,
          ),
        ],
        advice: [
          `detach it (kill ${tracerPid}, or end the debugger) and measure again`,
          'to see system calls without stopping the server, use loopscope watch',
        ],
      },
    };
  },
} satisfies Rule;

/** One that came for a moment: it was gone when the loop was looked at, but its stops were seen. */
function judgeStops(facts: Facts): Judgement | null {
  const innocent = 'TracerPid is 0 for every loop';
  return judgeByLostTime(
    facts,
    'observer.ptrace',
    (tally) => ({
      headline: `${tally.worstLoop?.name ?? 'the loop'} was stopped by a tracer, ${formatNs(meanDelayNs(tally))} at a time`,
      evidence: blockedEvidence(tally),
      advice: ['to see system calls and stacks without stopping the server, use loopscope watch or trace'],
    }),
    { innocent },
  );
}
