/** What happened to the client from outside while it drove the load: its quota, rivals, the hypervisor, the network. */
import type { Address } from '../base/address.ts';
import { cgroupOfProcess } from '../kernel/proc/cgroup.ts';
import { parseCpuStat } from '../kernel/proc/cpu-times.ts';
import { readNetStat } from '../kernel/proc/netstat.ts';
import { readProcText } from '../kernel/proc/read-text.ts';
import { openSockDiag } from '../kernel/sock-diag.ts';
import type { ClientCost, NetworkRecord } from '../record/load.ts';
import { beginCard, interfaceTo } from './around/network-card.ts';
import { beginRivals } from './around/rivals.ts';
import { readThrottledNs } from './tally/throttling.ts';

export type Surroundings = {
  client: Pick<ClientCost, 'throttledNs' | 'stealNs' | 'quota' | 'rivals'>;
  network: NetworkRecord;
};

/** What is known of the load when it is over. */
type Ended = { wallNs: number; sourceAddressCount: number; ranOutOfPorts: boolean };

/** Begins to look; the function returned tells the differences, null where the kernel does not tell. */
export function beginSurroundings(targets: readonly Address[]): (ended: Ended) => Surroundings {
  const rivals = beginRivals();
  const card = cardTo(targets);
  const throttledNs = readThrottledNs();
  const stealNs = readStealNs();
  const before = readNetStat(process.pid);
  return ({ wallNs, sourceAddressCount, ranOutOfPorts }) => {
    const now = readNetStat(process.pid);
    const stolenNs = difference(readStealNs(), stealNs);
    const timeWaitReuse = readProcText('/proc/sys/net/ipv4/tcp_tw_reuse');
    const localPorts = readLocalPorts();
    const timeWaitToTarget = ranOutOfPorts ? countTimeWait(targets) : null;
    return {
      client: {
        throttledNs: difference(readThrottledNs(), throttledNs),
        ...(stolenNs !== null && { stealNs: stolenNs }),
        quota: readQuota(),
        rivals: rivals(wallNs),
      },
      network: {
        listenOverflows: difference(now.listenOverflows, before.listenOverflows),
        listenDrops: difference(now.listenDrops, before.listenDrops),
        requestQueueFullDrops: difference(now.requestQueueFullDrops, before.requestQueueFullDrops),
        synRetransmits: difference(now.synRetransmits, before.synRetransmits),
        retransSegs: difference(now.retransSegs, before.retransSegs),
        timeWaitSockets: now.timeWaitSockets,
        // So many connections to one server address are possible from each of ours.
        localPortCount: localPorts && (localPorts.to - localPorts.from + 1) * sourceAddressCount,
        ...(localPorts && { localPorts }),
        ...(timeWaitReuse !== null && { timeWaitReuse: Number(timeWaitReuse) }),
        ...(timeWaitToTarget !== null && { timeWaitToTarget }),
        ...(card && { card: card() }),
      },
    };
  };
}

function difference(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : Math.max(0, now - before);
}

/** /proc/stat: time the hypervisor gave to others, all CPUs together. */
function readStealNs(): number | null {
  const text = readProcText('/proc/stat');
  const stat = text === null ? null : parseCpuStat(text);
  return stat === null ? null : stat.cpus.reduce((sum, cpu) => sum + cpu.stealNs, 0);
}

function readQuota(): ClientCost['quota'] {
  const group = cgroupOfProcess(process.pid);
  return group === null || group.quotaCpus === null ? null : { path: group.limitPath, cpus: group.quotaCpus };
}

/** ip(7), ip_local_port_range. */
function readLocalPorts(): { from: number; to: number } | null {
  const range = /^(\d+)\s+(\d+)/.exec(readProcText('/proc/sys/net/ipv4/ip_local_port_range') ?? '');
  return range === null ? null : { from: Number(range[1]), to: Number(range[2]) };
}

/** All targets of a run are addresses of one name: the way to the first is the way. */
function cardTo([first]: readonly Address[]): ReturnType<typeof beginCard> {
  const name = first?.kind === 'tcp' ? interfaceTo(first.host) : null;
  return name === null ? null : beginCard(name);
}

function countTimeWait(targets: readonly Address[]): number | null {
  const peers = targets.flatMap((target) => {
    if (target.kind !== 'tcp') return [];
    const host = target.host === 'localhost' ? '127.0.0.1' : target.host;
    return [host.includes(':') ? `[${host}]:${target.port}` : `${host}:${target.port}`];
  });
  using diag = openSockDiag();
  return diag?.timeWaitTo(new Set(peers)) ?? null;
}
