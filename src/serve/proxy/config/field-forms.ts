/** Forms that fields of a configuration have in common. What is wrong is said so that "got …" can follow. */
import * as v from 'valibot';
import { type Address, formatAddress } from '../../../base/address.ts';
import { LoopscopeError } from '../../../base/errors.ts';
import { parseDurationNs } from '../../../base/units.ts';
import { parseByteCount } from '../../faults/spec.ts';
import { UPSTREAMS } from '../rules/access.ts';
import { parseCidr } from '../rules/hosts/cidr.ts';
import { readHost } from '../rules/hosts/host-name.ts';
import { parseIp } from '../rules/hosts/ip.ts';
import { parsePorts } from '../rules/port-table.ts';
import { parsePasswordHash } from '../rules/who/password.ts';
import { UNIX } from '../rules/who/users.ts';

/** sun_path of unix(7) holds 107 bytes and a zero. */
const MOST_PATH_BYTES = 107;
const LONGEST_NS = 86_400e9;

/** A text for which `problem` finds none. */
function checked(kind: string, problem: (text: string) => string | null) {
  return v.pipe(
    v.string(`must be ${kind}`),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? problem(dataset.value) : null;
      if (message !== null) addIssue({ message });
    }),
  );
}

/** One, or a list of them. */
export function oneOrMore<T extends v.GenericSchema>(item: T) {
  return v.lazy((input) => (Array.isArray(input) ? v.array(item) : item)) as v.GenericSchema<
    unknown,
    v.InferOutput<T> | v.InferOutput<T>[]
  >;
}

export const text = v.string('must be text');
export const flag = v.boolean('must be true or false');

export function count(most: number) {
  return v.custom<number>(
    (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most,
    `must be a whole number from 1 to ${most}`,
  );
}

export const duration = checked('a time, as "10s" or "250ms"', (value) => {
  const ns = throws(() => parseDurationNs(value, '')) ? 0 : parseDurationNs(value, '');
  return ns > 0 && ns <= LONGEST_NS ? null : 'must be a time, as "10s" or "250ms", of a day at most';
});

export function size(leastBytes: number, mostBytes: number) {
  return checked('a size, as "16KiB"', (value) => {
    const bytes = throws(() => parseByteCount(value, '')) ? -1 : parseByteCount(value, '');
    const isIn = bytes >= leastBytes && bytes <= mostBytes;
    return isIn ? null : `must be a size from ${leastBytes / 1024}KiB to ${mostBytes / 1024}KiB, as "16KiB"`;
  });
}

export const anySize = checked('a size, as "10GB"', (value) =>
  throws(() => parseByteCount(value, '')) ? 'must be a size, as "10GB"' : null,
);

export const address = checked('an address', (value) => {
  return parseAddress(value) === null
    ? 'must be 127.0.0.1:8080, [::1]:8080, localhost:8080 or unix:/path (names are not looked up here)'
    : null;
});

/** A socket's address as a configuration and `--listen` write it; null for what is none. "tcp://" may stand before it. */
export function parseAddress(written: string): Address | null {
  if (written.startsWith('unix:')) {
    const path = written.slice('unix:'.length);
    const bytes = Buffer.byteLength(path);
    return bytes >= 1 && bytes <= MOST_PATH_BYTES && !path.includes('\0') ? { kind: 'unix', path } : null;
  }
  const match = /^(?:tcp:\/\/)?(\[[\da-f:.]{2,45}\]|[\w.]{1,64}):(\d{1,5})$/i.exec(written);
  if (!match) return null;
  const host = match[1]!.toLowerCase();
  const port = Number(match[2]);
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  const isHost =
    host === 'localhost' || (parseIp(bare, new Uint32Array(4)) && bare.includes(':') === (bare !== host));
  return isHost && port <= 65_535 ? { kind: 'tcp', host: bare, port } : null;
}

/** One spelling for one address. */
export function addressKey(written: string): string {
  return formatAddress(parseAddress(written)!);
}

function cidrProblem(value: string): string | null {
  const range = parseCidr(value);
  return typeof range === 'string' ? range : null;
}

export const cidr = checked('a range of addresses', cidrProblem);

export const source = checked('a range of addresses, or "unix"', (value) => {
  return value === UNIX ? null : cidrProblem(value);
});

export const target = checked('a range of addresses, a name, "*.suffix", "*" or "@upstreams"', (value) => {
  if (value === '*' || value === UPSTREAMS || cidrProblem(value) === null) return null;
  if (value.includes('/')) return cidrProblem(value);
  const host = value.startsWith('*.') ? value.slice(2) : value;
  const read = readHost(host, new Uint32Array(4));
  if (typeof read === 'string') return read;
  if (read.form === 'name') return null;
  return host === value ? 'must be written without brackets' : 'has an address behind its star';
});

export const port = v.custom<number | string>(
  (value) =>
    typeof value === 'number'
      ? Number.isInteger(value) && value >= 1 && value <= 65_535
      : typeof value === 'string' && (value === 'any' || parsePorts(value) !== null),
  'must be a port (443), a range ("8000-8100") or "any"',
);

export const passwordHash = checked('a hash', (value) => {
  return parsePasswordHash(value) === null
    ? 'must be what `loopscope serve proxy --hash-password` prints'
    : null;
});

/** What Basic and SOCKS5 can carry, and a line of a log can show. */
export function isUserName(name: string): boolean {
  return /^[^\s:"\\]{1,64}$/u.test(name) && !/\p{C}/u.test(name);
}

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (error instanceof LoopscopeError) return true;
    throw error;
  }
}
