/** IP addresses as four 32-bit words, IPv4 in ::ffff:0:0/96, so that one table serves both. */
// Invariants
//  I1  One address has one spelling here: what is not exactly that form is no address (inet_aton's octal, hex and short
//      forms are how filters are passed).
//  I2  parseIp() and judgeAsIpv4() write to `out` alone.

/** Four words, the most significant first. */
export type IpWords = Uint32Array;

export const MAPPED = 0xffff;

/** IPv4 as dotted decimal, or IPv6 (RFC 4291 §2.2) without brackets and zone. False when it is neither. */
export function parseIp(text: string, out: IpWords): boolean {
  if (text.length > 45 || text.length < 2) return false;
  return text.includes(':') ? parseIpv6(text, out) : parseMapped(text, out);
}

function parseMapped(text: string, out: IpWords): boolean {
  const word = parseIpv4(text, 0, text.length);
  if (word < 0) return false;
  out[0] = out[1] = 0;
  out[2] = MAPPED;
  out[3] = word;
  return true;
}

/** −1 when [start, end) is not four decimal numbers without leading zeros. */
function parseIpv4(text: string, start: number, end: number): number {
  let word = 0;
  let part = -1;
  let dots = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit === -2) {
      if (part < 0 || ++dots > 3) return -1;
      word = word * 256 + part;
      part = -1;
    } else {
      if (digit < 0 || digit > 9 || part === 0) return -1;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? word * 256 + part : -1;
}

function parseIpv6(text: string, out: IpWords): boolean {
  const double = text.indexOf('::');
  if (double >= 0 && text.indexOf('::', double + 1) >= 0) return false;
  const [head, tail] = double < 0 ? [text, ''] : [text.slice(0, double), text.slice(double + 2)];
  const left = groupsOf(head, double < 0);
  const right = groupsOf(tail, true);
  if (left === null || right === null) return false;
  const missing = 8 - left.length - right.length;
  if (double < 0 ? missing !== 0 : missing < 1) return false;
  const groups = [...left, ...new Array<number>(missing).fill(0), ...right];
  for (let i = 0; i < 4; i++) out[i] = groups[2 * i]! * 0x10000 + groups[2 * i + 1]!;
  return true;
}

/** 16-bit groups; the last two may be written as IPv4 where the address ends. */
function groupsOf(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      const word = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part, 0, part.length) : -1;
      if (word < 0) return null;
      groups.push(word >>> 16, word & 0xffff);
    }
  }
  return groups;
}

const NAT64 = 0x0064ff9b;

/**
 * What is judged: IPv4 that is wrapped in IPv6 by NAT64 (64:ff9b::/96, RFC 6052) or 6to4 (2002::/16, RFC 3056) is the
 * IPv4 within; mapped addresses are by themselves.
 */
export function judgeAsIpv4(words: IpWords): void {
  const [a, b, c, d] = [words[0]!, words[1]!, words[2]!, words[3]!];
  if (a === NAT64 && b === 0 && c === 0) words[3] = d;
  else if (a >>> 16 === 0x2002) words[3] = ((a & 0xffff) << 16) | (b >>> 16);
  else return;
  words[0] = words[1] = 0;
  words[2] = MAPPED;
}

export function isIpv4(words: IpWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED;
}

/** As RFC 5952 has it: "10.0.0.1", "2001:db8::1". */
export function formatIp(words: IpWords): string {
  if (isIpv4(words)) {
    const word = words[3]!;
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
  }
  const groups = [...words].flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
  const text = groups.join(':');
  const zeros = (text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []).toSorted((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return text;
  return text.replace(zeros, '::').replace(/:{3,}/, '::');
}
