/** All addresses of a target's name, in the order in which they are tried. Names are looked up once, before anything is opened. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';

/** IP literals of a name, in the resolver's order of preference (RFC 6724). Rejects when it knows none. */
export type Resolver = (name: string) => Promise<string[]>;

/** More addresses than this of one name are not tried. */
const ADDRESS_LIMIT = 64;
/** RFC 6761, 6.3: whatever a resolver says, "localhost" is these. */
const LOOPBACK = ['127.0.0.1', '::1'];

const systemResolver: Resolver = async (name) =>
  (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** One address or more, none twice. A Unix path or an IP literal is its own. Throws TARGET_UNREACHABLE for an unknown name. */
export async function resolveAddresses(
  address: Address,
  resolve: Resolver = systemResolver,
): Promise<Address[]> {
  if (address.kind === 'unix' || isIP(address.host.split('%')[0]!) !== 0) return [address];
  const isLocal = /^(.*\.)?localhost\.?$/i.test(address.host);
  let hosts: string[];
  try {
    hosts = await resolve(address.host);
  } catch (error) {
    if (!isLocal) throw unknownName(address.host, error);
    hosts = [];
  }
  if (isLocal) hosts = [...hosts, ...LOOPBACK];
  if (hosts.length === 0) throw unknownName(address.host);
  const inTurn = interleave([...new Set(hosts)]);
  return inTurn.slice(0, ADDRESS_LIMIT).map((host) => ({ ...address, host }));
}

function unknownName(name: string, cause?: unknown): LoopscopeError {
  return new LoopscopeError(
    'TARGET_UNREACHABLE',
    `the name ${name} has no address`,
    'check the spelling, or give an IP address',
    cause,
  );
}

/** RFC 8305, 4: families take turns, beginning with that of the first, so that one broken family costs one delay. */
function interleave(hosts: readonly string[]): string[] {
  const firstFamily = isIP(hosts[0]!);
  const ofFirst = hosts.filter((host) => isIP(host) === firstFamily);
  const others = hosts.filter((host) => isIP(host) !== firstFamily);
  const turns = Math.max(ofFirst.length, others.length);
  return Array.from({ length: turns }, (_, i) => [ofFirst[i], others[i]])
    .flat()
    .filter((host) => host !== undefined);
}
