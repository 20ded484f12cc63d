import { formatCount } from '../../base/units.ts';
import type { OutcomeCounts } from '../../record/load.ts';
import { silenceText, waitsText } from '../hindrances.ts';
import { fact, type Rule } from '../rule.ts';
import { plural } from '../words.ts';

/** It held its connections and said nothing. Who watches it is told why by the rules of its loops. */
export const serverSilent = {
  culprit: 'server.silent',
  title: 'the server stood still',
  order: 28,
  judge({ load, watch }) {
    if (!load) return null;
    const { silence, isMute } = load.hindrances;
    const { counts, waits } = load.record;
    if (!silence && !isMute) {
      return waits ? { cleared: 'with requests under way something came from it again and again' } : null;
    }
    const lastsNs = silence ? silence.toNs - silence.fromNs : load.wallNs;
    const replies = counts.ok + counts.wrong;
    const waited = waitsText(load.hindrances);
    return {
      standing: watch ? 'fallback' : 'decisive',
      finding: {
        culprit: 'server.silent',
        share: 1,
        confidence: 'medium',
        headline: isMute ? `not one reply came: ${muteText(counts)}` : silenceText(load.record, silence!),
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
        ],
        advice: [
          'see what the server did then: loopscope doctor TARGET --pid PID',
          'a process that was stopped, or writes out memory, answers nobody',
        ],
      },
    };
  },
} satisfies Rule;

/** "8 requests timed out, 4 were under way at the end, 48 were never sent". */
function muteText({ timeout, unfinished, unsent }: OutcomeCounts): string {
  const parts: [count: number, what: string][] = [
    [timeout, 'timed out'],
    [unfinished, 'had none when the run ended'],
    [unsent, 'never sent'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what], i) => `${i === 0 ? plural(count, 'request') : formatCount(count)} ${what}`)
    .join(', ');
}
