/**
 * Hosts as clients name them, brought to one spelling, so that a rule and the connection that it lets through cannot mean
 * different ones. Forms that some resolvers take for an address and others for a name (0177.0.0.1, 127.1, 0x7f000001)
 * are refused.
 */
import { isIPv4, isIPv6 } from 'node:net';

/**
 * ipv4: four decimal parts; ipv6: RFC 5952, without brackets; name: lower case, without the dot at its end, at most
 * 253 characters. Addresses in IPv6's clothes (::ffff:10.0.0.1) are ipv4: connecting to them reaches that address.
 */
export type Host = { readonly kind: 'ipv4' | 'ipv6' | 'name'; readonly text: string };

export type HostAndPort = { readonly host: Host; readonly port: number };

/** Longest name (RFC 1035 §2.3.4, as text), and a dot behind it. */
const NAME_LENGTH_MOST = 253;
const DOT = 46;

/** RFC 952 and 1123 have letters, digits and hyphens; underscores are in use. */
const NAME_BYTE = new Uint8Array(256);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_') {
  NAME_BYTE[char.charCodeAt(0)] = 1;
}

/** An IPv4 address or a name, as in bytes [start, end); null when it is neither, or could be read in two ways. */
export function readHost(bytes: Uint8Array, start: number, end: number): Host | null {
  if (end - start > NAME_LENGTH_MOST + 1) return null;
  let label = start;
  let stop = end;
  for (let at = start; at < end; at++) {
    if (bytes[at] !== DOT) {
      if (NAME_BYTE[bytes[at]!] !== 1) return null;
    } else if (at === label || at - label > 63) return null;
    else if (at === end - 1) stop = at;
    else label = at + 1;
  }
  if (stop === label || stop - label > 63 || stop - start > NAME_LENGTH_MOST) return null;
  const text = textOf(bytes, start, stop).toLowerCase();
  const last = text.slice(label - start);
  // What ends in a number is an address to inet_aton(3) and to URL parsers: it has to be one for all.
  if (!/^(\d+|0x[\da-f]*)$/.test(last)) return { kind: 'name', text };
  return isIPv4(text) && stop === end ? { kind: 'ipv4', text } : null;
}

/** An IPv6 literal without brackets; null for what is none. A zone is refused: it names an interface of another machine. */
export function readIpv6(bytes: Uint8Array, start: number, end: number): Host | null {
  // The longest is 0000:…:ffff:255.255.255.255.
  if (end - start < 2 || end - start > 45) return null;
  const text = textOf(bytes, start, end);
  if (text.includes('%') || !isIPv6(text)) return null;
  return ipv6Host(groupsOf(text));
}

/** An IPv4 address of four bytes. */
export function ipv4Host(bytes: Uint8Array, start: number): Host {
  return {
    kind: 'ipv4',
    text: `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`,
  };
}

/** An IPv6 address of sixteen bytes. */
export function ipv6HostOf(bytes: Uint8Array, start: number): Host {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[start + i]! << 8) | bytes[start + i + 1]!);
  return ipv6Host(groups);
}

/** Sixteen bytes of an IPv6 address that isIPv6() takes, without zone; four of an IPv4 address. */
export function addressBytes(text: string): number[] {
  if (!text.includes(':')) return text.split('.').map(Number);
  return groupsOf(text).flatMap((group) => [group >> 8, group & 0xff]);
}

function ipv6Host(groups: readonly number[]): Host {
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    const [high, low] = [groups[6]!, groups[7]!];
    return { kind: 'ipv4', text: `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}` };
  }
  return { kind: 'ipv6', text: shortest(groups) };
}

/** Eight groups of a literal that isIPv6() takes. */
function groupsOf(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return groupsOf(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head, tail] = text.split('::') as [string, string?];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...middle, ...after].map((group) => Number.parseInt(group, 16));
}

/** RFC 5952 §4: the longest run of two zero groups or more is left out, the first of equal ones. */
function shortest(groups: readonly number[]): string {
  let [from, length] = [0, 1];
  for (let i = 0; i < 8; ) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [from, length] = [i, end - i];
    i = end + 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`;
}

/** Bytes as text, one character each. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
