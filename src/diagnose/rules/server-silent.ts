import { formatCount } from '../../base/units.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { WatchFacts } from '../facts/facts.ts';
import type { LoopFacts } from '../facts/loops.ts';
import { sumBy } from '../facts/numbers.ts';
import type { Evidence } from '../finding.ts';
import { silenceText, waitsText } from '../hindrances.ts';
import { fact, type Rule } from '../rule.ts';
import { isHeldUp, unansweredText } from '../unanswered.ts';

/** It held its connections and said nothing. Who watches it is told why by the rules of its loops, if they were held up. */
export const serverSilent = {
  culprit: 'server.silent',
  title: 'the server stood still',
  order: 28,
  judge({ load, watch }) {
    if (!load) return null;
    const { silence, isMute } = load.hindrances;
    const { counts, waits } = load.record;
    if (!silence && !isMute) {
      return waits ? { cleared: heardText(load.record) } : null;
    }
    const lastsNs = silence ? silence.toNs - silence.fromNs : load.wallNs;
    const replies = counts.ok + counts.wrong;
    const waited = waitsText(load.hindrances);
    const isExplained = watch !== null && (!isMute || isHeldUp(watch));
    return {
      standing: isExplained ? 'fallback' : 'decisive',
      finding: {
        culprit: 'server.silent',
        share: 1,
        confidence: 'medium',
        headline: isMute
          ? `not one reply came: ${unansweredText(counts)}`
          : silenceText(load.record, silence!),
        evidence: [
          fact(
            'silence',
            lastsNs,
            'ns',
            `${formatCount(replies)} of ${formatCount(counts.planned)} requests had a reply, ` +
              `${formatCount(counts.timeout)} waited for one in vain.`,
          ),
          ...(waited
            ? [fact('requests_waiting', waited, '', `${waited.charAt(0).toUpperCase()}${waited.slice(1)}.`)]
            : []),
          ...(watch && isMute ? [meanwhile(watch)] : []),
        ],
        advice: adviceFor(watch),
      },
    };
  },
} satisfies Rule;

/** What its loops did while nobody was answered. */
function meanwhile({ loops }: WatchFacts): Evidence {
  const cycles = sumBy(loops, (loop) => loop.cycleCount);
  const whose = loops.length === 1 ? 'Its loop' : `Its ${loops.length} loops`;
  const text = isAsleep(loops)
    ? `${whose} never woke.`
    : `${whose} went on meanwhile: ${formatCount(cycles)} cycles, and no answer.`;
  return fact('cycles', cycles, 'cycles', text);
}

function isAsleep(loops: readonly LoopFacts[]): boolean {
  return loops.every((loop) => loop.slept);
}

function adviceFor(watch: WatchFacts | null): string[] {
  const still = 'a process that was stopped, or writes out memory, answers nobody';
  if (!watch) return ['see what the server did then: loopscope doctor TARGET --pid PID', still];
  if (isAsleep(watch.loops))
    return ['is it the process that answers there? loopscope doctor TARGET --pid :PORT', still];
  return ['look at what its handlers wait for: upstreams, databases, timers'];
}

/** Bytes, or at least the ends of connections. */
function heardText({ bytesReceived, connections }: LoadRecord): string {
  if (bytesReceived > 0) return 'with requests under way something came from it again and again';
  return connections.closedByPeer > 0
    ? 'with requests under way it ended connections, which somebody does who runs'
    : 'no request waited long for something from it';
}
