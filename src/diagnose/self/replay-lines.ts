import { printable } from '../../base/printable.ts';
import { formatCount, formatShare } from '../../base/units.ts';
import { maxBy } from '../facts/numbers.ts';
import { REPLAY } from '../limits.ts';
import type { LineFacts } from '../replay/replay-facts.ts';
import { type Check, EVERY_PERCENTILE } from '../self-check.ts';
import { plural } from '../words.ts';

/** Every line of the log is a request, was left out on purpose, or was refused for a reason: none is lost unsaid. */
export const replayLines = {
  name: 'replay-lines',
  title: 'every line of the log is accounted for',
  judge({ load }) {
    if (!load?.replay) return null;
    const { lines, record } = load.replay;
    const text = accountText(lines, record.log.requestCount);
    if (lines.unaccountedCount !== 0) {
      return {
        value: lines.unaccountedCount,
        unit: 'lines',
        limit: 0,
        verdict: 'VOID',
        text: `the books of the log do not balance: ${text} leaves ${lines.unaccountedCount}; please report this`,
        spoils: EVERY_PERCENTILE,
      };
    }
    const base = { value: lines.refusedShare, unit: 'share', limit: REPLAY.refusedWarn };
    if (lines.refusedShare < REPLAY.refusedWarn) return { ...base, verdict: 'PASS', text };
    const main = maxBy(record.log.refused, ({ count }) => count)!;
    const first = main.firstLines[0];
    const where = first ? `, first in line ${first.line}` : '';
    const why = `${formatShare(lines.refusedShare)} of the lines were refused, most for “${printable(main.reason, 60)}”${where}`;
    if (lines.refusedShare >= REPLAY.refusedVoid) {
      const what = 'what was sent is not the traffic of this log; name its format with --format';
      return {
        ...base,
        limit: REPLAY.refusedVoid,
        verdict: 'VOID',
        text: `${text}: ${why}: ${what}`,
        spoils: EVERY_PERCENTILE,
      };
    }
    return { ...base, verdict: 'WARN', text: `${text}: ${why}; see them with --dry-run` };
  },
} satisfies Check;

/** "20.0 k lines = 19.9 k requests + 40 left out + 60 refused". */
function accountText(lines: LineFacts, requestCount: number): string {
  return (
    `${plural(lines.readCount, 'line')} = ${plural(requestCount, 'request')} + ` +
    `${formatCount(lines.skippedCount)} left out + ${formatCount(lines.refusedCount)} refused`
  );
}
