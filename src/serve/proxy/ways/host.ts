/**
 * Hosts as clients name them, brought to one spelling, so that a rule and the connection that it lets through cannot mean
 * different ones. Forms that some resolvers take for an address and others for a name (0177.0.0.1, 127.1, 0x7f000001)
 * are refused.
 */
import { formatIp, type IpWords, isIpv4, parseIp } from '../rules/hosts/ip.ts';

/**
 * ipv4: four decimal parts; ipv6: RFC 5952, without brackets; name: lower case, without the dot at its end, at most
 * 253 characters. Addresses in IPv6's clothes (::ffff:10.0.0.1) are ipv4: connecting to them reaches that address.
 */
export type Host = { readonly kind: 'ipv4' | 'ipv6' | 'name'; readonly text: string };

export type HostAndPort = { readonly host: Host; readonly port: number };

/** Longest name (RFC 1035 §2.3.4, as text), and a dot behind it. */
const NAME_LENGTH_MOST = 253;
const DOT = 46;

/** For the call under way. */
const words: IpWords = new Uint32Array(4);

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
  return stop === end && parseIp(text, words) ? { kind: 'ipv4', text } : null;
}

/** An IPv6 literal without brackets; null for what is none. A zone is refused: it names an interface of another machine. */
export function readIpv6(bytes: Uint8Array, start: number, end: number): Host | null {
  // The longest is 0000:…:ffff:255.255.255.255.
  if (end - start > 45) return null;
  const text = textOf(bytes, start, end);
  return text.includes(':') && parseIp(text, words) ? hostOfWords() : null;
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
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 16);
  for (let i = 0; i < 4; i++) words[i] = view.getUint32(4 * i);
  return hostOfWords();
}

/** Four bytes of an IPv4 address, sixteen of an IPv6 one. It has to be one of them. */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  parseIp(text, words);
  for (let i = 0; i < 4; i++) view.setUint32(4 * i, words[i]!);
  return text.includes(':') ? bytes : bytes.subarray(12);
}

function hostOfWords(): Host {
  return { kind: isIpv4(words) ? 'ipv4' : 'ipv6', text: formatIp(words) };
}

/** Bytes as text, one character each. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
