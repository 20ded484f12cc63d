/** What a seed stands for: a server's bad manners, and the load that meets them. The same seed is the same case. */
import { createPrng } from '../../src/base/prng.ts';

/** What may become of one request. Most leave the connection in ruins; GENTLE ones do not. */
export const FAULTS = [
  'good',
  'every-byte',
  'cuts',
  'slow',
  'wrong',
  'interim',
  'chunked',
  'late',
  'stall',
  'reset',
  'end',
  'half-end',
  'half-reset',
  'half-stall',
  'garbage',
  'good-then-garbage',
  'twice',
  'close-after',
  'says-close',
  'says-close-and-stays',
  'until-close',
  'never-reads',
  'unasked',
  'reset-at-once',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Every request has its reply, in time and on its own connection. */
export const GENTLE: ReadonlySet<Fault> = new Set<Fault>([
  'good',
  'every-byte',
  'cuts',
  'wrong',
  'interim',
  'chunked',
]);

/** Replies that nobody asked for: one that comes while a request is under way is taken for its reply. */
export const EXTRA: ReadonlySet<Fault> = new Set<Fault>(['twice', 'unasked']);

/** What the server's faults follow from; plain data for another process. */
export type ServerSpec = {
  seed: number;
  protocol: 'http' | 'frame';
  socketPath: string;
  /** Requests are HEAD: replies have a length and no body. */
  isHead: boolean;
  faults: Fault[];
  /** Share of requests that meet one. */
  faultShare: number;
  replyBytes: number;
  timeoutMs: number;
  backlog: number;
};

/** Of the server as a whole, in mid-run: listener gone for a while, process killed and started anew, or stopped. */
export type Upheaval = { kind: 'refuse' | 'kill' | 'freeze'; atMs: number; forMs: number };

export type FaultCase = {
  seed: number;
  server: ServerSpec;
  upheaval: Upheaval | null;
  backend: 'ring' | 'epoll';
  /** A ring of a few entries and buffers: completion queue overflows, receives without a buffer. */
  hasTinyRing: boolean;
  /** Descriptors left for connections; null: plenty. */
  openFileRoom: number | null;
  arrival: 'constant' | 'poisson' | 'closed';
  isStaged: boolean;
  ratePerSec: number;
  connectionCount: number;
  threadCount: number;
  durationMs: number;
  pipelineDepth: number;
  requestsPerConnection: number | null;
  connectionsPerSec: number | null;
  thinkMs: number | null;
  kindCount: number;
  requestBytes: number;
};

const UPHEAVALS = ['refuse', 'kill', 'freeze'] as const;

/** The case of a seed. Faults take turns, so that every 24 seeds have met each; the rest is chance. */
export function caseOf(seed: number, socketFolder: string): FaultCase {
  const prng = createPrng(seed, 0xfa017);
  const chance = (share: number) => prng.next() < share;
  const pick = <T>(choices: readonly T[]): T => choices[prng.below(choices.length)]!;
  const protocol = chance(0.6) ? 'http' : 'frame';
  const isUnix = chance(0.4);
  const faults = [FAULTS[seed % FAULTS.length]!];
  const isGentle = GENTLE.has(faults[0]!);
  const more = isGentle ? [...GENTLE] : FAULTS;
  for (let n = prng.below(3); n > 0; n--) faults.push(pick(more));
  const upheaval = !isGentle && chance(0.2) ? pick(UPHEAVALS) : null;
  const neverReads = faults.includes('never-reads');
  const arrival = pick(['constant', 'poisson', 'closed', 'constant'] as const);
  const timeoutMs = isGentle ? 5000 : 30 + prng.below(50);
  const connectionCount = 1 + prng.below(chance(0.2) ? 60 : 12);
  const openFileRoom = !isGentle && chance(0.06) ? 1 + prng.below(connectionCount) : null;
  const threadCount = openFileRoom === null && chance(0.35) ? 2 + prng.below(2) : 1;
  const backend = chance(0.6) ? 'ring' : 'epoll';
  return {
    seed,
    server: {
      seed,
      protocol,
      socketPath: isUnix ? `${socketFolder}/${seed}.sock` : '',
      isHead: protocol === 'http' && chance(0.1),
      faults,
      faultShare: pick([0.02, 0.1, 0.3, 1]),
      replyBytes: pick([1, 20, 300, 3000, chance(0.3) ? 100_000 : 50]),
      timeoutMs,
      // With a full queue the kernel keeps clients that believe themselves connected: no gentle manners.
      backlog: !isGentle && chance(0.1) ? 1 : 512,
    },
    upheaval: upheaval && { kind: upheaval, atMs: 20 + prng.below(80), forMs: 10 + prng.below(60) },
    backend,
    hasTinyRing: backend === 'ring' && chance(0.3),
    openFileRoom,
    arrival,
    isStaged: arrival !== 'closed' && chance(0.25),
    ratePerSec: pick([100, 500, 1500, 4000]),
    connectionCount,
    threadCount: Math.min(threadCount, connectionCount),
    durationMs: 100 + prng.below(120),
    pipelineDepth: chance(0.5) ? 1 : 2 + prng.below(7),
    requestsPerConnection: chance(0.3) ? 1 + prng.below(20) : null,
    connectionsPerSec: chance(0.08) ? 200 + prng.below(800) : null,
    thinkMs: arrival === 'closed' && chance(0.4) ? prng.below(4) : null,
    kindCount: chance(0.4) ? 1 : 3,
    requestBytes: neverReads ? 300_000 : pick([0, 1, 40, 2000, chance(0.2) ? 200_000 : 10]),
  };
}

export function isGentleCase({ server, upheaval, openFileRoom }: FaultCase): boolean {
  return upheaval === null && openFileRoom === null && server.faults.every((fault) => GENTLE.has(fault));
}

/** One line that says what a case does. */
export function describeCase(each: FaultCase): string {
  const { server, upheaval } = each;
  const parts: (string | false | null)[] = [
    `${server.protocol}/${server.socketPath === '' ? 'tcp' : 'unix'}`,
    each.backend + (each.hasTinyRing ? '(tiny)' : ''),
    each.arrival === 'closed' ? 'closed' : `${each.arrival} ${each.ratePerSec}/s`,
    each.isStaged && 'staged',
    `${each.connectionCount} conns × ${each.pipelineDepth}, ${each.threadCount} threads`,
    `${server.faults.join('+')} ${server.faultShare * 100}%`,
    upheaval && `${upheaval.kind} at ${upheaval.atMs} for ${upheaval.forMs} ms`,
    server.isHead && 'HEAD',
    server.backlog === 1 && 'backlog 1',
    each.openFileRoom !== null && `${each.openFileRoom} descriptors`,
    each.requestsPerConnection !== null && `${each.requestsPerConnection} requests a connection`,
    each.connectionsPerSec !== null && `${each.connectionsPerSec} connections/s`,
    each.thinkMs !== null && `think ${each.thinkMs} ms`,
    `${each.requestBytes} → ${server.replyBytes} bytes, ${each.kindCount} kinds, timeout ${server.timeoutMs} ms`,
  ];
  return parts.filter((part) => typeof part === 'string').join(', ');
}
