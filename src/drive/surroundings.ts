/** What happened to the client from outside while it drove the load: its quota, the hypervisor, the network stack. */
import { readFileSync } from 'node:fs';
import { parseCpuStat } from '../kernel/proc/cpu-times.ts';
import { type NetStat, readNetStat } from '../kernel/proc/netstat.ts';
import type { NetworkRecord } from '../record/load.ts';
import { readThrottledNs } from './tally/throttling.ts';

type Surroundings = { throttledNs: number | null; stealNs: number | null; net: NetStat };

export function readClientSurroundings(): Surroundings {
  return { throttledNs: readThrottledNs(), stealNs: readStealNs(), net: readNetStat(process.pid) };
}

/** The differences; null where the kernel does not tell. */
export function surroundingsSince(
  before: Surroundings,
  sourceAddressCount: number,
): { throttledNs: number | null; stealNs: number | null; network: NetworkRecord } {
  const now = readClientSurroundings();
  return {
    throttledNs: difference(now.throttledNs, before.throttledNs),
    stealNs: difference(now.stealNs, before.stealNs),
    network: {
      listenOverflows: difference(now.net.listenOverflows, before.net.listenOverflows),
      listenDrops: difference(now.net.listenDrops, before.net.listenDrops),
      requestQueueFullDrops: difference(now.net.requestQueueFullDrops, before.net.requestQueueFullDrops),
      synRetransmits: difference(now.net.synRetransmits, before.net.synRetransmits),
      retransSegs: difference(now.net.retransSegs, before.net.retransSegs),
      timeWaitSockets: now.net.timeWaitSockets,
      localPortCount: readLocalPortCount(sourceAddressCount),
    },
  };
}

function difference(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : Math.max(0, now - before);
}

/** /proc/stat: time the hypervisor gave to others, all CPUs together. */
function readStealNs(): number | null {
  const text = read('/proc/stat');
  const stat = text === null ? null : parseCpuStat(text);
  return stat === null ? null : stat.cpus.reduce((sum, cpu) => sum + cpu.stealNs, 0);
}

/** ip(7), ip_local_port_range: so many connections to one server address are possible from one of ours. */
function readLocalPortCount(addressCount: number): number | null {
  const range = /^(\d+)\s+(\d+)/.exec(read('/proc/sys/net/ipv4/ip_local_port_range') ?? '');
  return range === null ? null : (Number(range[2]) - Number(range[1]) + 1) * addressCount;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
