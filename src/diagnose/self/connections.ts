import { printable } from '../../base/printable.ts';
import { formatCount } from '../../base/units.ts';
import type { LoadRecord, SupplyRecord } from '../../record/load.ts';
import { ratio } from '../facts/numbers.ts';
import { type Check, skip } from '../self-check.ts';
import { peerName } from '../words.ts';

/** `why`: empty, or with the colon before it. */
type Reason = { what: string; why: string };

/** Longest piece of a server's refusal in a sentence. */
const REFUSAL_LENGTH = 80;
/** What a load opens besides its connections: its own loops, threads and files. */
const OTHER_FILES = 100;

/** A load over fewer connections than asked is another load, whatever its percentiles. */
export const connections = {
  name: 'connections',
  title: 'the connections asked for were there',
  judge({ load }) {
    if (!load) return null;
    const { plan, supply } = load.record;
    if (!supply) return skip('not seen: how many connections were held was not recorded');
    const asked = plan.connectionCount;
    const held = Math.min(supply.held, asked);
    const base = { value: ratio(held, asked), unit: 'share', limit: 1, isLeast: true };
    const problems = [...tooFew(load.record, supply, held), ...notSpread(supply, plan.addresses === 'all')];
    if (problems.length > 0) return { ...base, verdict: 'WARN', text: problems.join('; ') };
    return { ...base, verdict: 'PASS', text: `${formatCount(held)} connections were held` };
  },
} satisfies Check;

function tooFew(record: LoadRecord, supply: SupplyRecord, held: number): string[] {
  const asked = record.plan.connectionCount;
  if (held >= asked) return [];
  const { what, why } = reason(supply, asked, record) ?? failed(record);
  return [`${formatCount(held)} of ${formatCount(asked)} connections ${what}${why}`];
}

/** Of all addresses asked for, some took no connection. */
function notSpread({ addresses = [] }: SupplyRecord, isAsked: boolean): string[] {
  const failed = addresses.filter(({ error }) => error !== null);
  if (!isAsked || failed.length === 0) return [];
  const { address, error } = failed[0]!;
  const first = `${printable(address, 60)}: ${printable(error!, 20)}`;
  return [
    `${formatCount(failed.length)} of ${formatCount(addresses.length)} addresses took no connection (${first})`,
  ];
}

/** The client's own limits first: with them nothing is known of the server's. */
function reason(
  supply: SupplyRecord,
  asked: number,
  { connections: { unasked = 0 }, plan }: LoadRecord,
): Reason | null {
  const { failedByErrno, openFileLimit, refusal, turnedAway } = supply;
  const could = 'could be kept';
  if (failedByErrno.EMFILE) {
    const limit = openFileLimit === null ? ' more' : ` more than ${formatCount(openFileLimit)}`;
    const type = `type ulimit -n ${enoughFiles(asked)} before it, or ask for fewer`;
    return { what: could, why: `: EMFILE, the client may not have${limit} files open; ${type}` };
  }
  if (failedByErrno.ENFILE) {
    return {
      what: could,
      why: ': ENFILE, this machine has no file handle left; see sysctl fs.file-nr fs.file-max',
    };
  }
  const [errno, count] = Object.entries(failedByErrno).sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  if (unasked > 0 && unasked >= Math.max(turnedAway, count)) {
    const said = refusal ? `: “${printable(refusal, REFUSAL_LENGTH)}”` : '';
    return { what: could, why: `: ${peerName(plan)} sends what no request asked for${said}` };
  }
  if (turnedAway > 0 && turnedAway >= count) {
    const said = refusal ? `, saying \u201c${printable(refusal, REFUSAL_LENGTH)}\u201d` : '';
    return { what: could, why: `: ${peerName(plan)} closes them${said}` };
  }
  if (count > 0) {
    // What a proxy said is called its own already.
    const whatFailed = plan.proxy && !errno.endsWith('proxy') ? 'connects to the proxy' : 'connects';
    return {
      what: 'were open at the end',
      why: `: ${whatFailed} failed with ${printable(errno, 60)}, ${formatCount(count)} times`,
    };
  }
  return null;
}

/** They could be opened and served no longer than until a request on them failed. */
function failed({ errorsByKind }: LoadRecord): Reason {
  const what = 'were open at the end';
  const [kind, count] = Object.entries(errorsByKind).sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  if (count === 0) return { what, why: '' };
  const why = `: a connection ends when its request fails, and ${formatCount(count)} did: ${printable(kind, 60)}`;
  return { what, why };
}

/** As many as connections and those kept for late replies take, in round numbers. */
function enoughFiles(asked: number): number {
  return 2 ** Math.ceil(Math.log2(2 * asked + OTHER_FILES));
}
