import { printable } from '../../base/printable.ts';
import { formatCount, formatShare } from '../../base/units.ts';
import { ratio } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** Percentiles of a run full of refusals describe how fast the server refuses. */
export const outcomes = {
  name: 'outcomes',
  title: 'requests were answered as asked',
  judge({ load }) {
    if (!load) return null;
    const { counts, errorsByKind, wrongByReason = {}, statusCounts, firstTexts = {} } = load.record;
    if (counts.planned === 0) return skip('nothing was planned');
    const bad = counts.wrong + counts.error + counts.timeout;
    const share = ratio(bad, counts.planned);
    const base = { value: share, unit: 'share', limit: SELF.outcomesWarn };
    if (bad === 0) return { ...base, verdict: 'PASS', text: 'every reply was as asked' };
    const kinds = [
      ...(counts.timeout > 0 ? [`${formatCount(counts.timeout)} timeouts`] : []),
      ...[...Object.entries(errorsByKind), ...Object.entries(wrongByReason)].map(
        ([kind, count]) => `${formatCount(count)} ${printable(kind, 40)}${saidText(firstTexts[kind])}`,
      ),
      ...Object.entries(statusCounts)
        .filter(([status]) => Number(status) >= 400)
        .map(([status, count]) => {
          const said = saidText(firstTexts[`status ${status}`]);
          return `${formatCount(count)} with status ${printable(status, 3)}${said}`;
        }),
    ];
    const what = kinds.length > 0 ? `: ${kinds.slice(0, 4).join(', ')}` : '';
    const text = `${formatShare(share)} of requests got a wrong reply, an error or no answer in time${what}`;
    return { ...base, verdict: share >= SELF.outcomesWarn ? 'WARN' : 'PASS', text };
  },
} satisfies Check;

/** What the server said of the first of them. */
function saidText(said: string | undefined): string {
  return said === undefined ? '' : ` (“${printable(said, 80)}”)`;
}
