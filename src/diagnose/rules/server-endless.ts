import { formatBytes } from '../../base/units.ts';
import { fact, type Rule } from '../rule.ts';
import { isHeldUp, unansweredText } from '../unanswered.ts';

/** Replies that begin and do not end: a flood, a drip, or a length that promises more than comes. */
export const serverEndless = {
  culprit: 'server.endless',
  title: 'the server ended no reply',
  order: 29,
  judge({ load, watch }) {
    if (!load) return null;
    const { counts, bytesReceived } = load.record;
    if (!load.hindrances.isEndless) {
      return counts.ok + counts.wrong > 0 ? { cleared: 'replies came to their end' } : null;
    }
    const received = formatBytes(bytesReceived);
    return {
      standing: watch !== null && isHeldUp(watch) ? 'fallback' : 'decisive',
      finding: {
        culprit: 'server.endless',
        share: 1,
        confidence: 'high',
        headline: `not one reply came to its end: ${unansweredText(counts)}`,
        evidence: [
          fact('bytes_received', bytesReceived, 'bytes', `${received} came from it, and no whole reply.`),
        ],
        advice: [
          'look at one reply: curl -sv -m 2 TARGET | head -c 1000',
          'if such replies are meant to take so long: raise --timeout',
        ],
      },
    };
  },
} satisfies Rule;
