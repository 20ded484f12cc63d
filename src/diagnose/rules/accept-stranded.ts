import { formatNs } from '../../base/units.ts';
import type { Stall } from '../../record/observation.ts';
import { stopPhrase } from '../../record/stops.ts';
import { blockedCause } from '../facts/blocked-call.ts';
import type { WatchFacts } from '../facts/facts.ts';
import { sumBy } from '../facts/numbers.ts';
import { type Strand, strandOf } from '../facts/queues.ts';
import type { Evidence } from '../finding.ts';
import { SHARE } from '../limits.ts';
import { fact, type Rule } from '../rule.ts';

/** Connections waited for one worker that stood still, while others would have had the time. */
export const acceptStranded = {
  culprit: 'accept.stranded',
  title: 'connections waited for a worker that stood still',
  order: 24,
  judge({ watch }) {
    if (watch?.record.tier !== 'bpf') return null;
    const groups = watch.accepting.filter(({ loops }) => loops.length > 1);
    if (groups.length === 0) return null;
    const strand = strandOf(groups);
    if (!strand) return { cleared: 'no listener kept connections waiting while another worker was free' };
    const owner = strand.owner?.loop.name ?? 'a worker';
    return {
      standing: isExplained(strand, watch) ? 'aside' : 'decisive',
      finding: {
        culprit: 'accept.stranded',
        share: 1,
        confidence: strand.owner ? 'high' : 'medium',
        headline:
          `up to ${strand.mostWaiting} connections to ${strand.listener.address} waited for ${owner}, which stood still ` +
          `for ${formatNs(strand.toNs - strand.fromNs)}, while ${strand.freeCount} other workers had time`,
        evidence: evidenceOf(strand),
        advice: [
          `find out why ${owner} stood still: was it stopped, or does it block?`,
          strand.group.isReuseport
            ? 'with SO_REUSEPORT a connection belongs to one worker for good: EPOLLEXCLUSIVE lets another take it'
            : 'with EPOLLEXCLUSIVE the kernel wakes another worker instead; a lock round accept, or a ring’s accept, does not pass on',
          'more, shorter turns: what blocks a worker blocks all who were dealt to it',
        ],
      },
    };
  },
} satisfies Rule;

/** A thread that is stopped by a signal seems to stand in the wait that the signal ended: no call of its own doing. */
const WAIT_CALL = /^(epoll_|io_uring_enter$)/;

/** The worker's own stalls have a name: then that is the fault, and this its consequence. */
function isExplained({ owner, fromNs, toNs }: Strand, watch: WatchFacts): boolean {
  if (!owner || watch.material.length === 0) return false;
  const stalls = watch.record.stalls.filter(
    (stall) =>
      stall.loopIndex === owner.loop.loopIndex &&
      stall.kind === 'work' &&
      stall.startNs < toNs &&
      stall.startNs + stall.wallNs > fromNs &&
      namelessNs(stall) < SHARE.unexplained * stall.wallNs,
  );
  const within = sumBy(
    stalls,
    ({ startNs, wallNs }) => Math.min(toNs, startNs + wallNs) - Math.max(fromNs, startNs),
  );
  return within >= SHARE.primary * (toNs - fromNs);
}

/** Also what was blocked in no call that anybody could be blamed for: a stopped process looks like that. */
function namelessNs({ account, majorFaults }: Stall): number {
  const nameless = account.blocked.filter(
    (blocked) =>
      WAIT_CALL.test(blocked.call) ||
      stopPhrase(blocked.call) !== null ||
      blockedCause(blocked, majorFaults, false) === 'unnamed',
  );
  return account.unexplainedNs + sumBy(nameless, ({ ns }) => ns);
}

function evidenceOf({ listener, group, mostWaiting, fromNs, toNs, owner, freeCount }: Strand): Evidence[] {
  const others = group.listeners.filter((other) => other !== listener && other.address === listener.address);
  const most = Math.max(0, ...others.map((other) => other.mostWaiting));
  const evidence = [
    fact(
      'connections_waiting',
      mostWaiting,
      'connections',
      `Somebody waited at every look from ${formatNs(fromNs)} to ${formatNs(toNs)} after the start, up to ` +
        `${mostWaiting} at once, of a backlog of ${listener.backlog}.`,
    ),
    fact(
      'free_workers',
      freeCount,
      'workers',
      `${freeCount} other workers had work less than half of that time.`,
    ),
  ];
  if (owner) {
    evidence.push(
      fact('stuck_worker', owner.loop.record.pid, 'pid', `${owner.loop.name} made no cycle in that time.`),
    );
  }
  if (others.length > 0) {
    evidence.push(
      fact(
        'others_waiting',
        most,
        'connections',
        `On the ${others.length} other sockets with that address at most ${most} waited.`,
      ),
    );
  }
  return evidence;
}
