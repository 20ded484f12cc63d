/** The client as suspect: where its time went, and what it ran out of. Cases of rules.test.ts. */
import { NS_PER_MS, NS_PER_S } from '../../base/units.ts';
import type { ClientThread, LoadRecord, NetworkRecord } from '../../record/load.ts';
import type { LookAlike, Planted } from './case.ts';
import { quietRun, type RunBuilder } from './run-builder.ts';
import { waits } from './server-cases.ts';

/** A tenth of what was due was not sent, by a client that had no CPU left for it. */
function outOfCpu(thread: Partial<ClientThread>, more: Partial<LoadRecord['client']> = {}): RunBuilder {
  const builder = quietRun()
    .unwatched()
    .counts({ planned: 200_000, ok: 180_000, unsent: 20_000 })
    .lateness([[80, 180_000]]);
  return withThread(builder, thread, more);
}

function withThread(
  builder: RunBuilder,
  thread: Partial<ClientThread>,
  more: Partial<LoadRecord['client']> = {},
): RunBuilder {
  const { client } = builder.run.load!;
  Object.assign(client.threads[0]!, { runDelayNs: 50 * NS_PER_MS, spinNs: 0, ...thread });
  Object.assign(client, more);
  return builder;
}

/** 5.5 s of user time, of which the codec has 3 and the collector 1; 4 s in the kernel. */
const ALLOCATING = {
  userNs: 5.5 * NS_PER_S,
  systemNs: 4 * NS_PER_S,
  gcNs: NS_PER_S,
  gcCount: 160,
  allocatedBytes: 180_000 * 4096,
  doing: { count: 500, parsing: 210, checking: 0 },
};

const NETWORK: NetworkRecord = {
  listenOverflows: 0,
  listenDrops: 0,
  requestQueueFullDrops: 0,
  synRetransmits: 0,
  retransSegs: 0,
  timeWaitSockets: 10,
  localPortCount: 100,
  localPorts: { from: 40_000, to: 40_099 },
  timeWaitReuse: 2,
};

const CARD = {
  name: 'eth1',
  speedBitsPerSec: 1e9,
  receivedBytes: 1.18e9,
  sentBytes: 1e7,
  receiveDrops: 1200,
  sendDrops: 0,
};

/** Connects that failed, of 50 connections wanted. */
function failed(
  errno: string,
  count: number,
  held: number,
  network: Partial<NetworkRecord> = {},
): RunBuilder {
  const builder = quietRun().unwatched();
  const load = builder.run.load!;
  load.plan.arrival = 'closed';
  load.plan.ratePerSec = null;
  load.inFlight = { mean: held, max: 50, limit: 50 };
  load.supply = { ...load.supply!, held, failedByErrno: { [errno]: count }, openFileLimit: 40 };
  return builder.load({ network: { ...NETWORK, ...network } });
}

const rivals = [
  { pid: 4411, comm: 'burn', cpuNs: 9.7 * NS_PER_S },
  { pid: 77, comm: 'nginx', cpuNs: 2 * NS_PER_S },
];

export const CLIENT_PLANTED: readonly Planted[] = [
  {
    culprit: 'client.saturated',
    name: 'a user’s codec that allocates for each reply',
    run: () => {
      const builder = outOfCpu(ALLOCATING);
      builder.run.load!.plan.codec = 'mine.ts';
      return builder;
    },
    says: [
      /42 % of its time in mine\.ts, reading replies/,
      /(9\.9\d?|10) % of the time collecting garbage/,
      /mine\.ts allocates about 4\.00 KiB a reply; 160 collections of garbage took/,
      /have mine\.ts keep what it makes/,
    ],
  },
  {
    culprit: 'client.saturated',
    name: 'system calls take most of it',
    run: () =>
      outOfCpu({
        userNs: 2 * NS_PER_S,
        systemNs: 7.5 * NS_PER_S,
        doing: { count: 500, parsing: 20, checking: 5 },
      }),
    says: [
      /75 % of its time in the kernel, sending and receiving/,
      /reading replies in http/,
      /raise --threads/,
    ],
  },
  {
    culprit: 'client.saturated',
    name: 'a core held to a fifth by a quota, named by its group',
    run: () =>
      outOfCpu(
        { userNs: NS_PER_S, systemNs: NS_PER_S, runDelayNs: 7.9 * NS_PER_S },
        { throttledNs: 7.8 * NS_PER_S, quota: { path: '/ci/job-7', cpus: 0.2 } },
      ),
    says: [
      /78 % of its time stopped by a CPU quota/,
      /cgroup \/ci\/job-7: 20 % of one CPU/,
      /quota of .*\/ci\/job-7/,
    ],
  },
  {
    culprit: 'client.saturated',
    name: 'one CPU, shared with a busy process',
    run: () =>
      outOfCpu({ userNs: 2.5 * NS_PER_S, systemNs: 2.5 * NS_PER_S, runDelayNs: 4.8 * NS_PER_S }, { rivals }),
    says: [
      /48 % of its time waiting for a CPU/,
      /burn \(pid 4411\) used 97 % of a CPU, nginx \(pid 77\) 20 % of a CPU/,
      /CPUs of its own/,
    ],
  },
  {
    culprit: 'client.saturated',
    name: 'connections ran out because the client never came to read their replies',
    run: () => {
      const builder = outOfCpu(
        { userNs: NS_PER_S, systemNs: NS_PER_S, runDelayNs: 7.6 * NS_PER_S },
        { rivals },
      );
      const load = { inFlight: { mean: 50, max: 50, limit: 50 } };
      const hindered = { allTaken: 20_000, noConnection: 0, clientAway: 0, suspended: 0 };
      return builder.load({ ...load, waits: waits({ unsent: hindered, late: hindered }) });
    },
    says: [/76 % of its time waiting for a CPU/, /CPUs of its own/],
  },
  {
    culprit: 'client.saturated',
    name: 'a hundred local ports, all in TIME_WAIT',
    run: () => failed('EADDRNOTAVAIL', 900, 12, { timeWaitToTarget: 88, timeWaitReuse: 0 }),
    says: [
      /ran out of local ports: 900 connects found none free of 40000–40099/,
      /ip_local_port_range is 40000 to 40099: 100 ports/,
      /In TIME_WAIT at the end: 88 connections to this run’s target.*tcp_tw_reuse is 0: for the whole of it\)/,
      /--source/,
      /tcp_tw_reuse to 1/,
    ],
  },
  {
    culprit: 'client.saturated',
    name: 'too few descriptors',
    run: () => failed('EMFILE', 30, 20),
    says: [/may have only 40 files open \(EMFILE\): 20 of 50 connections could be kept/, /ulimit -n/],
  },
  {
    culprit: 'client.saturated',
    name: 'a machine without file handles',
    run: () => failed('ENFILE', 30, 20),
    says: [/no file handle left \(ENFILE\)/, /fs\.file-max/],
  },
  {
    culprit: 'client.saturated',
    name: 'a full network card',
    run: () =>
      quietRun()
        .unwatched()
        .load({ network: { ...NETWORK, card: CARD } }),
    says: [
      /network card eth1 was full: 94 % of its 1000 Mbit\/s, receiving/,
      /dropped 1200 packets that came/,
    ],
  },
];

export const CLIENT_LOOK_ALIKES: readonly LookAlike[] = [
  {
    not: 'client.saturated',
    name: 'a codec that allocates, in a client that has time for it',
    run: () => {
      const builder = withThread(quietRun(), { ...ALLOCATING, userNs: 1.5 * NS_PER_S, systemNs: NS_PER_S });
      builder.run.load!.plan.codec = 'mine.ts';
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'client.saturated',
    name: 'a quota that never bites, and busy processes that the client did not wait for',
    run: () => withThread(quietRun(), {}, { throttledNs: 0, quota: { path: '/ci', cpus: 1.5 }, rivals }),
    instead: 'healthy',
  },
  {
    not: 'client.saturated',
    name: 'a few connects found no port, and all connections were used all the same',
    run: () => failed('EADDRNOTAVAIL', 7, 50),
  },
  {
    not: 'client.saturated',
    name: 'a few connects found no descriptor at first',
    run: () => failed('EMFILE', 7, 50),
  },
  {
    not: 'client.saturated',
    name: 'the server, not the client’s ports, turned connections away',
    run: () => failed('ECONNREFUSED', 900, 12, { timeWaitToTarget: 88 }),
  },
  {
    not: 'client.saturated',
    name: 'a network card that is half full',
    run: () =>
      quietRun().load({
        network: {
          ...NETWORK,
          localPortCount: 28_232,
          card: { ...CARD, receivedBytes: 6e8, receiveDrops: 0 },
        },
      }),
    instead: 'healthy',
  },
  {
    not: 'client.saturated',
    name: 'a network card that does not tell its speed',
    run: () =>
      quietRun().load({
        network: { ...NETWORK, localPortCount: 28_232, card: { ...CARD, speedBitsPerSec: null } },
      }),
    instead: 'healthy',
  },
];
