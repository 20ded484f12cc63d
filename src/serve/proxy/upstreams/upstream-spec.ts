/** One upstream as it is written: on the command line, in a file, to the admin socket. */
import { isIP } from 'node:net';
import type { Address } from '../../../base/address.ts';
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';

export const MOST_WEIGHT = 256;
/** sun_path of unix(7) holds 107 bytes and a zero. */
const MOST_PATH_BYTES = 107;

export type UpstreamSpec = {
  /** The address as it was written, in its one form: what the upstream is called. */
  name: string;
  weight: number;
};

/**
 * "10.0.0.7:80", "[::1]:80", "localhost:80" or "unix:/path", and then perhaps "weight=3". Throws USAGE with what is
 * wrong, without saying where.
 */
export function parseUpstream(text: string): UpstreamSpec {
  const [written = '', ...words] = text.trim().split(/[ \t]+/);
  return { name: nameOf(written), weight: parseWeight(words) };
}

/** What is written behind an address: "weight=3", or nothing. Throws USAGE. */
export function parseWeight(words: readonly string[]): number {
  let weight = 1;
  for (const word of words) {
    const digits = /^weight=(\d{1,3})$/.exec(word)?.[1];
    if (digits === undefined)
      throw wrong(`"${printable(word, 60)}" is not weight=N`, 'for instance 10.0.0.7:80 weight=3');
    weight = Number(digits);
    if (weight < 1 || weight > MOST_WEIGHT) {
      throw wrong(
        `weight ${digits} is not from 1 to ${MOST_WEIGHT}`,
        'to take an upstream out of turn, drain it',
      );
    }
  }
  return weight;
}

/** The address of a name that parseUpstream() gave. */
export function addressOfName(name: string): Address {
  if (name.startsWith('unix:')) return { kind: 'unix', path: name.slice('unix:'.length) };
  const colon = name.lastIndexOf(':');
  const host = name.slice(0, colon);
  return {
    kind: 'tcp',
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: Number(name.slice(colon + 1)),
  };
}

function nameOf(written: string): string {
  if (written.startsWith('unix:')) {
    const bytes = Buffer.byteLength(written) - 'unix:'.length;
    if (bytes >= 1 && bytes <= MOST_PATH_BYTES && !written.includes('\0')) return written;
    throw wrong(`the path of a Unix socket has 1 to ${MOST_PATH_BYTES} bytes, not ${bytes}`, '');
  }
  const match = /^(?:\[([\da-fA-F:.]{2,45})\]|([\w.-]{1,64})):(\d{1,5})$/.exec(written);
  const [, ipv6, host, digits] = match ?? [];
  const port = Number(digits);
  if (!match || port < 1 || port > 65_535) {
    throw wrong(`"${printable(written, 80)}" is not an address`, FORMS);
  }
  if (ipv6 !== undefined && isIP(ipv6) === 6) return `[${ipv6.toLowerCase()}]:${port}`;
  if (host !== undefined && (host === 'localhost' || isIP(host) === 4)) return `${host}:${port}`;
  throw wrong(
    `"${printable(ipv6 ?? host ?? '', 64)}" is not an IP address`,
    `upstreams are not looked up; ${FORMS}`,
  );
}

const FORMS = 'write 10.0.0.7:80, [::1]:80, localhost:80 or unix:/path';

function wrong(message: string, hint: string): LoopscopeError {
  return new LoopscopeError('USAGE', message, hint);
}
