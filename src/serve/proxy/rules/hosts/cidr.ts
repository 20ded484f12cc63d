/** Ranges of addresses: "10.0.0.0/8", "2001:db8::/32", or one address. */
import { type IpWords, isIpv4, judgeAsIpv4, parseIp } from './ip.ts';

/** Both ends are within it. */
export type IpRange = { first: bigint; last: bigint };

const WORD_BITS = 32n;

/**
 * Reads a range. Returns why not, in words, when it is none: bits beyond the prefix are refused, for such a range is
 * probably not the one that was meant.
 */
export function parseCidr(text: string): IpRange | string {
  const [address, prefixText, ...rest] = text.split('/');
  const words = new Uint32Array(4);
  if (rest.length > 0 || !parseIp(address!, words))
    return 'is not an address, as 10.0.0.0/8 or 2001:db8::/32';
  const isDotted = !address!.includes(':');
  const longest = isDotted ? 32 : 128;
  const prefix = prefixText === undefined ? longest : Number(prefixText);
  if (prefixText !== undefined && !(/^\d{1,3}$/.test(prefixText) && prefix <= longest))
    return `has no prefix length from 0 to ${longest} behind its slash`;
  const range = rangeOf(bigintOf(words), prefix + (isDotted ? 96 : 0));
  if (range.first !== bigintOf(words)) return 'has bits set beyond its prefix';
  return range;
}

/** The same of a destination: ranges within NAT64 or 6to4 are those of the IPv4 that they stand for. */
export function parseDestinationCidr(text: string): IpRange | string {
  const range = parseCidr(text);
  if (typeof range === 'string') return range;
  const [first, last] = [wordsOf(range.first), wordsOf(range.last)];
  judgeAsIpv4(first);
  judgeAsIpv4(last);
  return isIpv4(first) && isIpv4(last) ? { first: bigintOf(first), last: bigintOf(last) } : range;
}

function rangeOf(address: bigint, prefix: number): IpRange {
  const hostBits = BigInt(128 - prefix);
  const first = (address >> hostBits) << hostBits;
  return { first, last: first | ((1n << hostBits) - 1n) };
}

export function bigintOf(words: IpWords): bigint {
  let value = 0n;
  for (const word of words) value = (value << WORD_BITS) | BigInt(word);
  return value;
}

export function wordsOf(value: bigint): IpWords {
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) words[i] = Number((value >> BigInt(96 - 32 * i)) & 0xffffffffn);
  return words;
}
