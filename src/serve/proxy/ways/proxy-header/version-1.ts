/** The line of PROXY version 1. */
import { readHost, readIpv6, textOf } from '../host.ts';
import type { Endpoint } from '../way.ts';
import type { ProxyHeader } from './header-fields.ts';

/** Longest line, CR LF included (proxy-protocol.txt §2.1). */
export const V1_BYTES_MOST = 107;

/** The line of bytes [start, end), LF last; or what is wrong with it. */
export function readVersion1(bytes: Uint8Array, start: number, end: number): ProxyHeader | string {
  if (bytes[end - 2] !== 13) return 'a PROXY line that ends without CR';
  const words = textOf(bytes, start, end - 2).split(' ');
  // "UNKNOWN" may be followed by anything.
  if (words[1] === 'UNKNOWN') return { version: 1, source: null, destination: null, tlvs: [] };
  const [, family, from, to, fromPort, toPort] = words;
  if (words.length !== 6 || (family !== 'TCP4' && family !== 'TCP6')) return 'a malformed PROXY line';
  const source = addressOf(family, from!, fromPort!);
  const destination = addressOf(family, to!, toPort!);
  if (source === null || destination === null) return 'a PROXY line with an address that is none';
  return { version: 1, source, destination, tlvs: [] };
}

function addressOf(family: string, host: string, portText: string): Endpoint | null {
  const port = /^(0|[1-9]\d{0,4})$/.test(portText) ? Number(portText) : 65_536;
  if (port > 65_535) return null;
  const bytes = Buffer.from(host, 'latin1');
  if (family === 'TCP4') return readHost(bytes, 0, bytes.length)?.kind === 'ipv4' ? { host, port } : null;
  const address = readIpv6(bytes, 0, bytes.length);
  return address === null ? null : { host: address.text, port };
}
