/**
 * The sockets that the watched processes listen on: who holds them, how their epoll sets watch them, and how many
 * connections wait on each, looked at ten times a second or as told. No probes and no privileges beyond reading the processes' own
 * files: what EPOLLEXCLUSIVE and SO_REUSEPORT do is visible in /proc.
 */
import { readlinkSync } from 'node:fs';
import { readOpenSockets } from '../../kernel/proc/epoll-watches.ts';
import { type ListeningSocket, openSockDiag, type SockDiag } from '../../kernel/sock-diag.ts';
import type { ListenerRecord } from '../../record/observation.ts';

export type ListenerWatch = {
  /** Looks when it is time to. Called at every poll. */
  poll(): void;
  /** What was seen; null when the kernel did not tell. */
  finish(): ListenerRecord[] | null;
  [Symbol.dispose](): void;
};

export type ListenerWatchOptions = {
  nowNs: () => number;
  /** The watched loops now. */
  loops: () => readonly { pid: number }[];
  lookEveryNs?: number;
  /** Another source of listeners, for tests. */
  diag?: SockDiag;
};

const LOOK_EVERY_NS = 100e6;
/** Looking into every process costs about 0.2 ms each: when there are new ones, and again now and then. */
const SCAN_EVERY_NS = 2e9;
/** Time of a scan over all processes; a large server is looked into less often. */
const SCANS_MOST = 5;
const LISTENERS_MOST = 1024;
const SAMPLES_MOST = 20_000;

type Watched = { record: ListenerRecord; droppedBefore: number | null; watchers: number };

/** Never throws: what cannot be seen is left out. */
export function createListenerWatch(options: ListenerWatchOptions): ListenerWatch {
  const { lookEveryNs = LOOK_EVERY_NS } = options;
  const diag = options.diag ?? openSockDiag();
  const watched = new Map<number, Watched>();
  const scannedPids = new Set<number>();
  let nextLookNs = 0;
  let nextScanNs = 0;
  let scanCount = 0;
  let sampleCount = 0;
  let refused = diag === null;

  const scan = (now: number): void => {
    const pids = new Set(options.loops().map((loop) => loop.pid));
    const isNew = [...pids].some((pid) => !scannedPids.has(pid));
    if (!isNew && (now < nextScanNs || scanCount >= SCANS_MOST)) return;
    nextScanNs = now + SCAN_EVERY_NS;
    if (!isNew) scanCount++;
    for (const pid of pids) scannedPids.add(pid);
    const sockets = diag!.listeners({ tcp: true, unix: true });
    if (sockets === null) refused = true;
    else addHolders(watched, sockets, [...pids].filter(sharesOurNetwork));
  };

  const look = (): void => {
    const now = options.nowNs();
    if (refused || now < nextLookNs) return;
    nextLookNs = now + lookEveryNs;
    scan(now);
    if (refused || watched.size === 0) return;
    const kinds = { tcp: false, unix: false };
    for (const { record } of watched.values()) kinds[record.transport] = true;
    for (const socket of diag!.listeners(kinds) ?? []) {
      const entry = watched.get(socket.inode);
      if (!entry) continue;
      takeSample(entry, socket);
      if (socket.waiting === 0 || sampleCount >= SAMPLES_MOST) continue;
      sampleCount++;
      entry.record.samples.push({ atNs: now, waiting: socket.waiting });
    }
  };

  return {
    poll: look,
    finish() {
      nextLookNs = 0;
      nextScanNs = 0;
      look();
      return refused ? null : [...watched.values()].map(({ record }) => record);
    },
    [Symbol.dispose]: () => diag?.[Symbol.dispose](),
  };
}

function takeSample({ record, droppedBefore }: Watched, socket: ListeningSocket): void {
  record.sampleCount++;
  record.backlog = socket.backlog;
  record.mostWaiting = Math.max(record.mostWaiting, socket.waiting);
  // The kernel refuses the next one when more than the backlog wait: sk_acceptq_is_full(), include/net/sock.h.
  if (socket.waiting > socket.backlog) record.fullCount++;
  if (socket.dropped !== null && droppedBefore !== null) record.dropped = socket.dropped - droppedBefore;
}

/** Who has each listener open. The scan in which most watched it counts: with a lock, they take turns. */
function addHolders(
  watched: Map<number, Watched>,
  sockets: readonly ListeningSocket[],
  pids: readonly number[],
): void {
  const open = pids.flatMap((pid) => {
    const found = readOpenSockets(pid);
    return found === null ? [] : [{ pid, ...found }];
  });
  for (const socket of sockets) {
    const holders: ListenerRecord['holders'] = [];
    for (const process of open) {
      if (!process.inodes.has(socket.inode)) continue;
      holders.push({ pid: process.pid, watch: watchOf(process.watched, socket.inode) });
    }
    const entry = watched.get(socket.inode);
    const watchers = holders.filter(({ watch }) => watch !== 'none').length;
    if (entry && watchers >= entry.watchers) {
      const gone = entry.record.holders.filter(({ pid }) => !holders.some((holder) => holder.pid === pid));
      entry.record.holders = [...holders, ...gone];
      entry.watchers = watchers;
    }
    if (entry || holders.length === 0 || watched.size >= LISTENERS_MOST) continue;
    watched.set(socket.inode, {
      record: newRecord(socket, holders),
      droppedBefore: socket.dropped,
      watchers,
    });
  }
}

function newRecord(socket: ListeningSocket, holders: ListenerRecord['holders']): ListenerRecord {
  const { transport, address, inode, backlog, dropped } = socket;
  const none = { sampleCount: 0, fullCount: 0, mostWaiting: 0, samples: [] };
  return { transport, address, inode, backlog, dropped: dropped === null ? null : 0, holders, ...none };
}

function watchOf(watches: Map<number, boolean> | null, inode: number): ListenerRecord['holders'][0]['watch'] {
  if (watches === null) return 'hidden';
  const exclusive = watches.get(inode);
  return exclusive === undefined ? 'none' : exclusive ? 'exclusive' : 'shared';
}

let ourNetwork: string | null | undefined;

/** sock_diag tells of our network namespace only; the inodes of another's sockets would be mistaken for ours. */
function sharesOurNetwork(pid: number): boolean {
  ourNetwork ??= networkOf('self');
  return networkOf(String(pid)) === ourNetwork;
}

function networkOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}
