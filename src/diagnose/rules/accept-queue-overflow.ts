import { greatestOf } from '../../base/extremes.ts';
import { formatCount, formatShare } from '../../base/units.ts';
import type { ListenerRecord } from '../../record/observation.ts';
import type { WatchFacts } from '../facts/facts.ts';
import { amount, maxBy, ratio, sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { OVERFLOW, SATURATION } from '../limits.ts';
import { hasOtherFault } from '../own-doing.ts';
import { fact, type Rule } from '../rule.ts';

/** More connections came at once than the listening socket lets wait: the rest were turned away. */
export const acceptQueueOverflow = {
  culprit: 'accept.queue-overflow',
  title: 'a listen queue was full',
  order: 26,
  judge({ load, watch }) {
    if (!watch) return null;
    const listeners = watch.record.listeners ?? [];
    const onHost = amount(watch.host.listenOverflows);
    const found = listeners.flatMap((listener) => fullnessOf(listener, watch.host.listenOverflows) ?? []);
    const full = maxBy(found, ({ listener, turnedAway }) => turnedAway ?? listener.fullCount);
    if (!full) {
      if (listeners.length === 0) return null;
      return {
        cleared:
          onHost > 0
            ? `${formatCount(onHost)} connections overflowed a queue of this host, but none of the watched server’s`
            : `at most ${Math.max(...listeners.map(({ mostWaiting }) => mostWaiting))} connections waited at once`,
      };
    }
    const loop = stateOf(watch);
    // A loop that is late lets its queue fill: then that is the fault, and this is what came of it.
    const isEffect = loop === 'late' || (loop === 'asleep' && load?.hindrances.isMute);
    return {
      standing: isEffect ? 'effect' : 'decisive',
      finding: {
        culprit: 'accept.queue-overflow',
        share: 1,
        confidence: full.turnedAway === null ? 'medium' : 'high',
        headline: headlineOf(full, loop),
        evidence: evidenceOf(full, watch),
        advice: adviceFor(full.listener, loop),
      },
    };
  },
} satisfies Rule;

/** What its loops did: late for another fault, never awake, or as they should be. */
type LoopState = 'late' | 'asleep' | 'sound';

function stateOf(watch: WatchFacts): LoopState {
  if (watch.loops.length > 0 && watch.loops.every((loop) => loop.slept)) return 'asleep';
  return hasOtherFault(watch) || watch.saturation.proven || isBlocked(watch) ? 'late' : 'sound';
}

/** A loop stood still for long, in what nobody could name: it could not accept either. */
function isBlocked({ excess }: WatchFacts): boolean {
  return UNNAMED_STILL.some(
    (cause) => (excess.tallies.get(cause)?.worstLoopShare ?? 0) >= SATURATION.otherCauseShare,
  );
}

const UNNAMED_STILL = ['open.blocked', 'open.fault-lock', 'open.residual'] as const;

/** A listener, and how often its queue was too full; null: nobody counted. */
type Full = { listener: ListenerRecord; turnedAway: number | null };

/**
 * A listening TCP socket also counts stray packets among its drops, and ListenOverflows is the whole host's: only what
 * both have is an overflow of this queue.
 */
function fullnessOf(listener: ListenerRecord, hostOverflows: number | null): Full | null {
  const { dropped, fullCount, sampleCount } = listener;
  if (dropped !== null) {
    const turnedAway = Math.min(dropped, hostOverflows ?? dropped);
    const isOurs = hostOverflows === null || dropped >= OVERFLOW.hostShare * hostOverflows || fullCount > 0;
    return turnedAway >= OVERFLOW.connections && isOurs ? { listener, turnedAway } : null;
  }
  const often = fullCount >= OVERFLOW.connections && ratio(fullCount, sampleCount) >= OVERFLOW.fullShare;
  return often ? { listener, turnedAway: null } : null;
}

function headlineOf({ listener, turnedAway }: Full, loop: LoopState): string {
  const { address, backlog, fullCount, sampleCount } = listener;
  const what =
    turnedAway === null
      ? `the listen queue of ${address} was full at ${formatCount(fullCount)} of ${formatCount(sampleCount)} looks`
      : `${formatCount(turnedAway)} attempts to connect to ${address} were turned away`;
  if (loop === 'asleep') return `${what}: the loop never woke to take those that waited`;
  return loop === 'late'
    ? `${what}: the loop was too late to take them`
    : `${what}: its backlog of ${backlog} is too small for so many at once`;
}

function evidenceOf({ listener, turnedAway }: Full, watch: WatchFacts): Evidence[] {
  const { address, backlog, fullCount, sampleCount, mostWaiting } = listener;
  const evidence = [
    fact(
      'connections_waiting',
      mostWaiting,
      'connections',
      `Up to ${mostWaiting} connections to ${address} waited to be accepted; ${backlog + 1} fit.`,
    ),
    fact(
      'queue_full_looks',
      fullCount,
      'looks',
      `The queue was full at ${formatCount(fullCount)} of ${formatCount(sampleCount)} looks.`,
    ),
  ];
  if (turnedAway !== null) {
    evidence.unshift(
      fact(
        'turned_away',
        turnedAway,
        'attempts',
        `The kernel turned ${formatCount(turnedAway)} attempts away; each is tried again after 1, 3 and 7 s.`,
      ),
    );
  }
  const group = watch.accepting.find(({ listeners }) => listeners.includes(listener));
  const busy = Math.max(0, greatestOf((group?.loops ?? []).map(({ loop }) => loop.busyShare ?? 0)));
  const accepts = sumBy(group?.loops ?? [], (entry) => entry.accepts);
  // A ring accepts without calls that could be counted.
  const accepted = accepts > 0 ? `${formatCount(accepts)} connections were accepted; the` : 'The';
  evidence.push(
    fact('busy_share', busy, 'share', `${accepted} busiest worker worked ${formatShare(busy)} of the time.`),
  );
  return evidence;
}

function adviceFor({ backlog, transport }: ListenerRecord, loop: LoopState): string[] {
  const raise = `raise the backlog given to listen(2) (here ${backlog}), and net.core.somaxconn with it`;
  const keep = 'let clients keep connections open: most requests then need no new one';
  const cause = 'cure what keeps the loop from accepting: see its stalls';
  const unix = 'a Unix client gets EAGAIN, or waits in connect: it must try again itself';
  const asleep = 'see why it does not accept: it may be stopped, or wait for something else';
  if (loop === 'asleep') return [asleep];
  return [...(loop === 'late' ? [cause] : []), raise, keep, ...(transport === 'unix' ? [unix] : [])];
}
