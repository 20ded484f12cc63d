import { formatNs } from '../../base/units.ts';
import { stopPhrase } from '../../record/stops.ts';
import { blockedEvidence, mainCall, meanDelayNs } from '../blocked.ts';
import { judgeByLostTime, type Rule } from '../rule.ts';

const ADVICE: [calls: RegExp, advice: string][] = [
  [/^futex/, 'wait with a timer of the loop, not with a timed wait on a lock or condition'],
  [/nanosleep/, 'remove the sleep from the loop’s thread: use a timer of the loop'],
  [
    /^(connect|poll|ppoll|select|pselect6|recv)/,
    'make the socket non-blocking, or use an asynchronous resolver or client',
  ],
  [/^(wait4|waitid|vfork|clone)/, 'wait for children by signal or pidfd, not by blocking'],
  [/^(send|write)/, 'make the descriptor non-blocking and wait for it to be writable'],
];

const STOP_ADVICE: Record<string, string> = {
  stopped:
    'find who sends SIGSTOP, SIGTSTP or SIGTTIN (a job-control shell, a batch scheduler, a memory saver) and keep it away from servers',
  frozen: 'find who freezes its cgroup (docker pause, a checkpoint, a suspend) and for how long it may',
};

/** The loop slept, or waited for a peer or a child, inside a turn: everything else on it waited too. */
export const blockSynchronousCall = {
  culprit: 'block.synchronous-call',
  title: 'a synchronous call blocked the loop',
  order: 140,
  judge: (facts) =>
    judgeByLostTime(facts, 'block.synchronous-call', (tally) => {
      const call = mainCall(tally);
      const loop = tally.worstLoop?.name ?? 'the loop';
      const stop = stopPhrase(call?.time.call ?? '');
      if (stop !== null) {
        return {
          headline: `${loop} was ${stop}, ${formatNs(meanDelayNs(tally))} at a time`,
          evidence: blockedEvidence(tally),
          advice: [STOP_ADVICE[call!.time.call] ?? 'find out who does that'],
        };
      }
      const specific = ADVICE.find(([calls]) => calls.test(call?.time.call ?? ''))?.[1];
      return {
        headline: `${loop} stood still in ${call?.name ?? 'a blocking call'}, ${formatNs(meanDelayNs(tally))} at a time`,
        evidence: blockedEvidence(tally),
        advice: [...(specific ? [specific] : []), 'move the call to a worker thread or another process'],
      };
    }),
} satisfies Rule;
