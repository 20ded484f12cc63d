/** The network interface that leads to an address, and what it carried. */
import { isIPv4, isIPv6 } from 'node:net';
import { readProcText } from '../../kernel/proc/read-text.ts';
import type { CardRecord } from '../../record/load.ts';

type ReadText = (path: string) => string | null;

/** An address literal as 32 bits, or as 128. */
function bitsOf(host: string): { bits: bigint; length: number } | null {
  if (isIPv4(host))
    return { bits: host.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n), length: 32 };
  const [literal] = host.split('%') as [string];
  return isIPv6(literal) ? { bits: ipv6Bits(literal), length: 128 } : null;
}

function ipv6Bits(host: string): bigint {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  const hex = (a: string, b: string) => ((Number(a) << 8) | Number(b)).toString(16);
  const text = dotted ? `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}` : host;
  const [head = '', tail] = text.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail?.split(':').filter(Boolean) ?? [];
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * The interface of the route with the longest prefix; null for this machine's own addresses (they are no route of the
 * tables, or lead to lo), and where none is known. Rules of policy routing are not looked at. proc_pid_net(5)
 */
export function interfaceTo(host: string, read: ReadText = readProcText): string | null {
  const address = bitsOf(host);
  if (address === null) return null;
  const routes = address.length === 32 ? routesV4(read) : routesV6(read);
  const length = BigInt(address.length);
  let best: Route | null = null;
  for (const route of routes) {
    const shift = length - BigInt(route.prefix);
    if (route.destination >> shift !== address.bits >> shift) continue;
    if (best === null || route.prefix > best.prefix) best = route;
  }
  return best === null || best.name === 'lo' ? null : best.name;
}

type Route = { name: string; destination: bigint; prefix: number };

const RTF_UP = 1;

/** Loopback and the machine's own addresses stand in other tables: they are asked for there first. */
function routesV4(read: ReadText): Route[] {
  const routes: Route[] = [{ name: 'lo', destination: 127n << 24n, prefix: 8 }];
  for (const line of (read('/proc/net/route') ?? '').split('\n').slice(1)) {
    const [name, destination, , flags, , , , mask] = line.split('\t').map((field) => field.trim());
    if (mask === undefined || (Number.parseInt(flags!, 16) & RTF_UP) === 0) continue;
    const prefix = swapped(mask).toString(2).replaceAll('0', '').length;
    routes.push({ name: name!, destination: swapped(destination!), prefix });
  }
  // "|-- 10.0.0.5" and below it "/32 host LOCAL".
  const trie = read('/proc/net/fib_trie') ?? '';
  for (const [, own] of trie.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)) {
    routes.push({ name: 'lo', destination: bitsOf(own!)!.bits, prefix: 32 });
  }
  return routes;
}

/** The file has 32 bits as this machine keeps them: the first byte of the address is the last of the number. */
function swapped(hex: string): bigint {
  const bytes = /^(..)(..)(..)(..)$/.exec(hex);
  return bytes === null ? 0n : BigInt(`0x${bytes[4]}${bytes[3]}${bytes[2]}${bytes[1]}`);
}

/** Own addresses are routes of 128 bits with RTF_LOCAL; unreachable ones lead to lo as well, and lose to any other. */
function routesV6(read: ReadText): Route[] {
  const routes: Route[] = [];
  for (const line of (read('/proc/net/ipv6_route') ?? '').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 10) continue;
    const isOwn = (Number.parseInt(fields[8]!, 16) & 0x8000_0000) !== 0;
    const destination = BigInt(`0x${fields[0]}`);
    routes.push({ name: isOwn ? 'lo' : fields[9]!, destination, prefix: Number.parseInt(fields[1]!, 16) });
  }
  return routes;
}

/** Begins to count what an interface carries; null where its counters cannot be read. */
export function beginCard(name: string, read: ReadText = readProcText): (() => CardRecord) | null {
  const folder = `/sys/class/net/${name}`;
  const count = (what: string): number | null => {
    const text = read(`${folder}/statistics/${what}`);
    return text === null ? null : Number(text);
  };
  const counters = ['rx_bytes', 'tx_bytes', 'rx_dropped', 'tx_dropped'] as const;
  const before = counters.map(count);
  if (before.includes(null)) return null;
  return () => {
    const [receivedBytes, sentBytes, receiveDrops, sendDrops] = counters.map((what, i) =>
      Math.max(0, (count(what) ?? before[i]!) - before[i]!),
    );
    // A card without a link says −1, and a virtual one nothing.
    const megabits = Number(read(`${folder}/speed`) ?? -1);
    return {
      name,
      speedBitsPerSec: megabits > 0 ? megabits * 1e6 : null,
      receivedBytes: receivedBytes!,
      sentBytes: sentBytes!,
      receiveDrops: receiveDrops!,
      sendDrops: sendDrops!,
    };
  };
}
