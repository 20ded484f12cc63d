/** A client's side of SOCKS 5: methods, name and password, request (RFC 1928, RFC 1929). */
// Invariants: R1 to R3 of reading.ts, and
//  S1  read() takes one message and no byte of the next; what a client sends ahead waits for its turn.
import { isUtf8 } from 'node:buffer';
import { type HostAndPort, ipv4Host, ipv6HostOf, readHost, readIpv6 } from '../host.ts';
import { READ, type Read } from '../reading.ts';
import type { Credentials } from '../way.ts';

const VERSION = 5;
const PASSWORD_VERSION = 1;

export const METHOD = { none: 0, password: 2, noneAcceptable: 0xff } as const;

/** REP of RFC 1928 §6. */
export const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandUnknown: 7,
  addressTypeUnknown: 8,
} as const;

const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** The message that a client must send next. */
export type Socks5Phase = 'methods' | 'password' | 'request';

export class Socks5Messages {
  /** Set by the owner between messages, according to the method that was agreed on. */
  phase: Socks5Phase = 'methods';
  next = 0;
  offersNone = false;
  offersPassword = false;
  credentials: Credentials | null = null;
  target: HostAndPort | null = null;
  /** Why the message is refused: the byte to answer with (a REPLY, or METHOD.noneAcceptable; 1 for a password), and words. */
  reply = 0;
  fault = '';

  /** Reads the message that `phase` says, which begins at `start`; see reading.ts. */
  read(bytes: Uint8Array, start: number, end: number): Read {
    if (this.phase === 'methods') return this.#methods(bytes, start, end);
    return this.phase === 'password' ? this.#password(bytes, start, end) : this.#request(bytes, start, end);
  }

  #methods(bytes: Uint8Array, start: number, end: number): Read {
    if (end > start && bytes[start] !== VERSION)
      return this.#refuse(METHOD.noneAcceptable, foreignVersion(bytes[start]!));
    if (end - start < 2) return READ.more;
    this.next = start + 2 + bytes[start + 1]!;
    if (end < this.next) return READ.more;
    for (let at = start + 2; at < this.next; at++) {
      if (bytes[at] === METHOD.none) this.offersNone = true;
      if (bytes[at] === METHOD.password) this.offersPassword = true;
    }
    return READ.done;
  }

  #password(bytes: Uint8Array, start: number, end: number): Read {
    if (end > start && bytes[start] !== PASSWORD_VERSION)
      return this.#refuse(1, 'another version of the password message');
    if (end - start < 2) return READ.more;
    const name = start + 2;
    const nameEnd = name + bytes[start + 1]!;
    if (nameEnd === name) return this.#refuse(1, 'an empty name');
    if (end <= nameEnd) return READ.more;
    this.next = nameEnd + 1 + bytes[nameEnd]!;
    if (end < this.next) return READ.more;
    const nameBytes = Buffer.from(bytes.buffer, bytes.byteOffset + name, nameEnd - name);
    if (!isUtf8(nameBytes)) return this.#refuse(1, 'a name that is not UTF-8');
    this.credentials = { name: nameBytes.toString('utf8'), password: bytes.slice(nameEnd + 1, this.next) };
    return READ.done;
  }

  #request(bytes: Uint8Array, start: number, end: number): Read {
    if (end > start && bytes[start] !== VERSION)
      return this.#refuse(REPLY.failure, 'another version in the request');
    if (end - start < 4) return READ.more;
    if (bytes[start + 1] !== CONNECT)
      return this.#refuse(REPLY.commandUnknown, `command ${bytes[start + 1]}, not CONNECT`);
    if (bytes[start + 2] !== 0) return this.#refuse(REPLY.failure, 'a reserved byte that is not zero');
    const type = bytes[start + 3]!;
    let host = start + 4;
    if (type === ADDRESS.name) {
      if (end <= host) return READ.more;
      host++;
    }
    const length = type === ADDRESS.ipv4 ? 4 : type === ADDRESS.ipv6 ? 16 : bytes[host - 1]!;
    if (type !== ADDRESS.ipv4 && type !== ADDRESS.ipv6 && type !== ADDRESS.name)
      return this.#refuse(REPLY.addressTypeUnknown, `address type ${type}`);
    const hostEnd = host + length;
    this.next = hostEnd + 2;
    if (end < this.next) return READ.more;
    const port = (bytes[hostEnd]! << 8) | bytes[hostEnd + 1]!;
    if (port === 0) return this.#refuse(REPLY.failure, 'port 0');
    const asked =
      type === ADDRESS.ipv4
        ? ipv4Host(bytes, host)
        : type === ADDRESS.ipv6
          ? ipv6HostOf(bytes, host)
          : (readHost(bytes, host, hostEnd) ?? readIpv6(bytes, host, hostEnd));
    if (asked === null) return this.#refuse(REPLY.failure, 'a host that is neither a name nor an address');
    this.target = { host: asked, port };
    return READ.done;
  }

  #refuse(reply: number, fault: string): Read {
    this.reply = reply;
    this.fault = fault;
    return READ.refused;
  }
}

function foreignVersion(byte: number): string {
  return byte === 4 ? 'SOCKS 4, not 5' : 'no SOCKS version';
}
