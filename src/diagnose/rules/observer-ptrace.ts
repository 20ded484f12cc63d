import { actorName } from '../facts/actors.ts';
import { fact, type Rule } from '../rule.ts';

/** A tracer stops the thread at every system call or signal: whatever else is measured, is measured under it. */
export const observerPtrace = {
  culprit: 'observer.ptrace',
  title: 'a debugger or strace is attached',
  order: 10,
  judge({ watch }) {
    if (!watch || watch.loops.length === 0) return null;
    const traced = watch.loops.filter((loop) => loop.record.tracerPid !== 0);
    const first = traced[0];
    if (!first) return { cleared: 'TracerPid is 0 for every loop' };
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
