/** What a client calls its destination, brought into the one form that rules are matched with; or refused. */
import { domainToASCII } from 'node:url';
import { formatIp, type IpWords, parseIp } from './ip.ts';

/** `host` in `form`: an address as RFC 5952 writes it, or a name in lower case, in ASCII, without a dot at its end. */
export type Destination = { form: 'address' | 'name'; host: string };

const LONGEST_NAME = 253;
const LABEL = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/;
/** A name whose last label is one of these is an address to some resolvers: 127.1, 0x7f.1, 017700000001. */
const NUMERIC = /^(?:\d+|0x[\da-f]*)$/;

/**
 * Normalises: case, one dot at the end, IDNA (UTS 46), brackets round IPv6, the spelling of addresses. Refuses, and
 * returns why in words: octal, hexadecimal and short forms of IPv4, zones, ports and users within the host, empty or
 * over-long labels, and names that IDNA does not have. `words` holds the address afterwards, if it is one.
 */
export function readHost(host: string, words: IpWords): Destination | string {
  if (host === '') return 'is empty';
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const isBracketed = bare !== host;
  if (parseIp(bare, words) && isBracketed <= bare.includes(':'))
    return { form: 'address', host: formatIp(words) };
  if (isBracketed || host.includes(':')) return 'is no IPv6 address, and a name has no colon or bracket';
  const ascii = isAscii(host) ? host.toLowerCase() : domainToASCII(host);
  if (ascii === '') return 'is not a name that IDNA has';
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  return nameProblem(name) ?? { form: 'name', host: name };
}

function nameProblem(name: string): string | null {
  if (name.length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`;
  const labels = name.split('.');
  for (const label of labels) {
    if (label === '') return 'has an empty label';
    if (label.length > 63) return 'has a label of more than 63 characters';
    if (!LABEL.test(label)) return 'has a character or a hyphen where a name has none';
  }
  if (NUMERIC.test(labels.at(-1)!)) return 'is an IPv4 address in another form than four decimal numbers';
  if (name.includes('xn--') && domainToASCII(name) !== name) return 'is not a name that IDNA has';
  return null;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
