/** A server's side of SOCKS 5. */
import { isIP } from 'node:net';
import { addressBytes } from '../host.ts';
import type { Endpoint } from '../way.ts';

const NOWHERE = new Uint8Array(4);

/** The answer to the methods: one of them, or METHOD.noneAcceptable. */
export function methodReply(method: number): Uint8Array {
  return Uint8Array.of(5, method);
}

/** The answer to name and password (RFC 1929): 0, or a failure, after which the connection has to close. */
export function passwordReply(status: number): Uint8Array {
  return Uint8Array.of(1, status);
}

/** The answer to a request. `bound`: our end of the connection that was made; zeros stand for none, and for a path. */
export function requestReply(reply: number, bound: Endpoint | null): Uint8Array {
  const isAddress = bound !== null && isIP(bound.host) !== 0;
  const address = isAddress ? addressBytes(bound.host) : NOWHERE;
  const port = isAddress ? bound.port : 0;
  return Uint8Array.of(5, reply, 0, address.length === 4 ? 1 : 4, ...address, port >> 8, port & 0xff);
}
