import { formatCount } from '../../base/units.ts';
import { type Check, EVERY_PERCENTILE } from '../self-check.ts';

/** planned = ok + wrong + error + timeout + unsent + unfinished, to the request. */
export const conservation = {
  name: 'conservation',
  title: 'every planned request is accounted for',
  judge({ load }) {
    if (!load) return null;
    const c = load.record.counts;
    const sum = c.ok + c.wrong + c.error + c.timeout + c.unsent + c.unfinished;
    const missing = c.planned - sum;
    const account =
      `${formatCount(c.planned)} planned = ${formatCount(c.ok)} ok + ${formatCount(c.wrong)} wrong + ` +
      `${formatCount(c.error)} errors + ${formatCount(c.timeout)} timeouts + ${formatCount(c.unsent)} unsent + ` +
      `${formatCount(c.unfinished)} unfinished`;
    const base = { value: missing, unit: 'requests', limit: 0 };
    if (missing === 0) return { ...base, verdict: 'PASS', text: account };
    return {
      ...base,
      verdict: 'VOID',
      text: `the books do not balance: ${account} leaves ${missing}; please report this`,
      spoils: EVERY_PERCENTILE,
    };
  },
} satisfies Check;
