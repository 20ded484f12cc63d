/** The authority form, CONNECT's target: host and port, both of them, and nothing else (RFC 9112 §3.2.3). */
import { type Host, type HostAndPort, readHost, readIpv6 } from '../host.ts';

const COLON = 58;
const OPEN = 91;
const CLOSE = 93;
const AT = 64;

/** Host and port of bytes [start, end); or a sentence's part that says what is wrong. */
export function readAuthority(bytes: Uint8Array, start: number, end: number): HostAndPort | string {
  let colon = end;
  for (let at = start; at < end; at++) {
    // Whatever stands before the sign, some reader would take for the host.
    if (bytes[at] === AT) return 'a user in the target';
    if (bytes[at] === COLON) colon = at;
  }
  const isLiteral = bytes[start] === OPEN;
  if (isLiteral && bytes[end - 1] === CLOSE) colon = end;
  if (colon === end) return 'a target without a port';
  if (isLiteral && bytes[colon - 1] !== CLOSE) return 'a bracket that does not close';
  const host: Host | null = isLiteral ? readIpv6(bytes, start + 1, colon - 1) : readHost(bytes, start, colon);
  if (host === null) return 'a target whose host is neither a name nor an address';
  const port = readPort(bytes, colon + 1, end);
  return port === 0 ? 'a target whose port is not 1 to 65535' : { host, port };
}

/** Decimal digits, the first not a zero, up to 65535; 0 for anything else. */
export function readPort(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 5 || bytes[start] === 48) return 0;
  let port = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return 0;
    port = port * 10 + digit;
  }
  return port > 65_535 ? 0 : port;
}
