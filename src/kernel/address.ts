import { isIPv4, isIPv6 } from 'node:net';
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { AF_INET, AF_INET6, AF_UNIX, sockaddr_in, sockaddr_in6, sockaddr_un } from './abi/socket.ts';
import { offHeap } from './libc.ts';

/** sun_path holds 108 bytes with its closing NUL. */
const UNIX_PATH_BYTES_MAX = 107;

/** The socket family of an address: AF_UNIX, AF_INET or AF_INET6. */
export function familyOf(address: Address): number {
  if (address.kind === 'unix') return AF_UNIX;
  return address.host.includes(':') ? AF_INET6 : AF_INET;
}

/**
 * A sockaddr for bind(2) or connect(2), off V8's heap. Hosts are IP literals or "localhost" (taken as 127.0.0.1):
 * names are resolved before a run, not in it. Throws TARGET_INVALID for a name, and for a Unix path over 107 bytes.
 */
export function encodeAddress(address: Address): Uint8Array<ArrayBuffer> {
  if (address.kind === 'unix') return encodeUnix(address.path);
  const host = address.host === 'localhost' ? '127.0.0.1' : address.host;
  if (isIPv4(host)) {
    const bytes = offHeap(sockaddr_in.byteLength);
    const view = new DataView(bytes.buffer);
    view.setUint16(sockaddr_in.at.sin_family, AF_INET, true);
    view.setUint16(sockaddr_in.at.sin_port, address.port, false);
    bytes.set(host.split('.').map(Number), sockaddr_in.at.sin_addr);
    return bytes;
  }
  const [literal, zone] = host.split('%') as [string, string?];
  if (isIPv6(literal)) {
    const bytes = offHeap(sockaddr_in6.byteLength);
    const view = new DataView(bytes.buffer);
    view.setUint16(sockaddr_in6.at.sin6_family, AF_INET6, true);
    view.setUint16(sockaddr_in6.at.sin6_port, address.port, false);
    bytes.set(ipv6Bytes(literal), sockaddr_in6.at.sin6_addr);
    if (zone) view.setUint32(sockaddr_in6.at.sin6_scope_id, Number(zone) || 0, true);
    return bytes;
  }
  throw new LoopscopeError(
    'TARGET_INVALID',
    `"${address.host}" is not an IP address`,
    `write an address, such as one of: getent ahosts ${address.host}`,
  );
}

/** The address in a sockaddr the kernel filled in. An unnamed Unix socket has the path ''. */
export function decodeAddress(bytes: Uint8Array, byteLength: number): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  if (family === AF_UNIX) {
    const start = sockaddr_un.at.sun_path;
    const isAbstract = byteLength > start && bytes[start] === 0;
    const end = isAbstract ? byteLength : bytes.indexOf(0, start);
    const raw = bytes.subarray(start, end >= start && end <= byteLength ? end : byteLength);
    const text = new TextDecoder().decode(raw);
    return { kind: 'unix', path: isAbstract ? `@${text.slice(1)}` : text };
  }
  const port = view.getUint16(2, false);
  if (family === AF_INET) {
    const start = sockaddr_in.at.sin_addr;
    return { kind: 'tcp', host: Array.from(bytes.subarray(start, start + 4)).join('.'), port };
  }
  const groups: string[] = [];
  for (let i = 0; i < 8; i++)
    groups.push(view.getUint16(sockaddr_in6.at.sin6_addr + i * 2, false).toString(16));
  // URL knows the shortening rules of RFC 5952.
  return { kind: 'tcp', host: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), port };
}

/** A path starting with "@" is in the abstract namespace, which leaves no file (unix(7)). */
function encodeUnix(path: string): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(path);
  if (encoded.length === 0 || encoded.length > UNIX_PATH_BYTES_MAX) {
    throw new LoopscopeError(
      'TARGET_INVALID',
      `a Unix socket path has 1 to ${UNIX_PATH_BYTES_MAX} bytes, this one ${encoded.length}: ${path}`,
      'use a shorter path, for example under /tmp or /run',
    );
  }
  const isAbstract = path.startsWith('@');
  const bytes = offHeap(sockaddr_un.at.sun_path + encoded.length + (isAbstract ? 0 : 1));
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(encoded, sockaddr_un.at.sun_path);
  if (isAbstract) bytes[sockaddr_un.at.sun_path] = 0;
  return bytes;
}

/** 16 bytes of a valid IPv6 literal without zone. */
function ipv6Bytes(literal: string): number[] {
  // URL writes a dotted tail ("::ffff:1.2.3.4") as hexadecimal groups.
  const text = new URL(`http://[${literal}]`).hostname.slice(1, -1);
  const [head, tail] = text.split('::') as [string, string?];
  const before = head ? head.split(':') : [];
  const after = tail ? tail.split(':') : [];
  const middle = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...middle, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
