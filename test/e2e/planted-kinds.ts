/**
 * Kinds of stalls that are planted in real servers, and how the observer's account of each is judged: by what `watch
 * --json` says of it, against what the stalled thread measured itself.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LimitedGroup, makeQuotaGroup } from '../../src/observe/testing/limited-group.ts';
import type { Plantable, PlantableServer } from '../fixtures/plantable-servers.ts';
import {
  PLANT_SIGNAL,
  type Planter,
  type PlantKind,
  type PlantRecord,
  startPlanter,
} from '../fixtures/planter.ts';
import { until } from '../fixtures/process.ts';
import { type StreamObject, type WatchStream, watchStream } from '../fixtures/watch-stream.ts';

type Part = { group: string; what: string; ns: number };
type StallObject = StreamObject & {
  kind: string;
  wall_ns: number;
  detail: string;
  cause: string;
  account: { user_ns: number; unexplained_ns: number };
  parts: Part[];
};

type Truth = PlantRecord & { throttledNs: number };

export type StallKind = {
  name: string;
  plant: PlantKind;
  amountUs: number;
  /** Share of a CPU that the server may use meanwhile. */
  quotaPercent?: number;
  /** What is accounted under the planted cause, ns. */
  ownNs(stall: StallObject): number;
  /** Whether what the thread and the kernel measured shows that the plant came off. */
  cameOff(record: Truth): boolean;
};

const MS = 1e6;
const partsNs = (stall: StallObject, group: string, what: RegExp) =>
  stall.parts.reduce((sum, part) => sum + (part.group === group && what.test(part.what) ? part.ns : 0), 0);
const offCpuNs = ({ wallNs, cpuNs }: PlantRecord) => wallNs - cpuNs;

/** 20 ms each. A quota of 2.5 ms in 25 holds back a burn of 6 ms for that long or longer. */
export const STALL_KINDS: readonly StallKind[] = [
  {
    name: 'CPU',
    plant: 'cpu',
    amountUs: 20_000,
    ownNs: ({ account }) => account.user_ns,
    cameOff: ({ cpuNs }) => cpuNs >= 20 * MS,
  },
  {
    name: 'sleep',
    plant: 'sleep',
    amountUs: 20_000,
    ownNs: (stall) => partsNs(stall, 'blocked', /nanosleep$/),
    cameOff: (record) => offCpuNs(record) >= 19 * MS,
  },
  {
    name: 'pipe',
    plant: 'read',
    amountUs: 20_000,
    ownNs: (stall) => partsNs(stall, 'blocked', /^read$/),
    cameOff: (record) => offCpuNs(record) >= 19 * MS,
  },
  {
    name: 'preemption',
    plant: 'preempt',
    amountUs: 20_000,
    ownNs: (stall) => partsNs(stall, 'run_queue', /^neighbour$/),
    cameOff: (record) => offCpuNs(record) >= 19 * MS,
  },
  {
    name: 'throttle',
    plant: 'cpu',
    amountUs: 6_000,
    quotaPercent: 10,
    ownNs: (stall) => partsNs(stall, 'run_queue', /quota/),
    cameOff: (record) => record.throttledNs >= 15 * MS && offCpuNs(record) >= 15 * MS,
  },
  {
    name: 'fault',
    plant: 'fault',
    amountUs: 20_000,
    ownNs: (stall) => partsNs(stall, 'blocked', /^page-fault$/) + partsNs(stall, 'system', /^page-fault$/),
    cameOff: ({ majorFaults }) => majorFaults > 10,
  },
];

/** What others on a busy machine, interrupts and the host took of its time: it is theirs, and named. */
function othersNs(kind: StallKind, stall: StallObject): number {
  const queuedNs =
    partsNs(stall, 'run_queue', /^/) + partsNs(stall, 'irq', /^/) + partsNs(stall, 'steal', /^/);
  const isQueued = kind.plant === 'preempt' || kind.quotaPercent !== undefined;
  return isQueued ? queuedNs - kind.ownNs(stall) : queuedNs;
}

export type Judged = { right: boolean; residualShare: number; why: string };

const RESIDUAL_SHARE = 0.1;
const STALL_WITHIN_MS = 1500;

/** By the observer's word alone. */
export function isOf(kind: StallKind, object: StreamObject): boolean {
  const stall = object as StallObject;
  const isExplained = stall.account.unexplained_ns <= RESIDUAL_SHARE * stall.wall_ns;
  return isExplained && kind.ownNs(stall) > (stall.wall_ns - othersNs(kind, stall)) / 2;
}

function judge(kind: StallKind, record: Truth, stall: StallObject | undefined): Judged {
  const truth = `planted ${(record.wallNs / MS).toFixed(1)} ms, of it ${(record.cpuNs / MS).toFixed(1)} on the CPU`;
  if (!stall) return { right: false, residualShare: 1, why: `${truth}: no stall was told of` };
  const residualShare = stall.account.unexplained_ns / stall.wall_ns;
  const faults: string[] = [];
  if (!kind.cameOff(record)) faults.push('the plant did not come off');
  if (stall.detail !== 'full') faults.push(`detail ${stall.detail}`);
  if (residualShare > RESIDUAL_SHARE) faults.push(`${(residualShare * 100).toFixed(1)} % unexplained`);
  // Parts that overlap would leave nothing unexplained.
  const sumNs = stall.parts.reduce((sum, part) => sum + part.ns, 0);
  if (sumNs > stall.wall_ns * 1.01) faults.push(`the parts add up to ${(sumNs / MS).toFixed(1)} ms`);
  const ownNs = kind.ownNs(stall);
  if (ownNs <= (stall.wall_ns - othersNs(kind, stall)) / 2) faults.push('another cause');
  if (stall.wall_ns > longestNs(kind, record, stall)) faults.push('too long');
  const parts = stall.parts
    .map(({ group, what, ns }) => `${group} ${what} ${(ns / MS).toFixed(2)}`)
    .join('; ');
  const why = `${faults.join(', ')}: ${truth}; told ${(stall.wall_ns / MS).toFixed(1)} ms: ${parts}`;
  return { right: faults.length === 0, residualShare, why };
}

/** On top of the plant comes what the server has to do in that turn, what others take, and a quota that is still out. */
function longestNs(kind: StallKind, record: Truth, stall: StallObject): number {
  const stillHeldNs = kind.quotaPercent === undefined ? 0 : Math.max(0, kind.ownNs(stall) - offCpuNs(record));
  return record.wallNs * 1.1 + 2 * MS + othersNs(kind, stall) + stillHeldNs;
}

export type PlantSession = {
  /** Plants one, waits for what is told of it, and judges that. */
  plantOne(kind: StallKind): Promise<Judged>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A server under traffic with a planter in it, watched with the probes armed by a first stall. */
export async function startSession(server: PlantableServer, core: number): Promise<PlantSession> {
  await using stack = new AsyncDisposableStack();
  const planter = stack.use(await startPlanter(core));
  const started = stack.use(await server.start({ env: planter.env, core }));
  const watch = stack.use(watchStream([String(started.pid)]));
  await watch.next('a window', ({ type }) => type === 'window');
  // The budget follows what is usual; and the first stall arms.
  await watch.next('half a second', ({ type, at_ns }) => type === 'window' && at_ns > 700 * MS);
  const poke = () => started.poke?.(PLANT_SIGNAL);
  await planter.plant('sleep', 20_000, poke);
  await watch.next('arming', ({ type, level }) => type === 'tier' && String(level).startsWith('armed'));
  await watch.next('the stall that armed', ({ type, kind }) => type === 'stall' && kind === 'work');
  const owned = stack.move();
  return {
    plantOne: (kind) => plantOne(kind, { planter, watch, started, poke }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Running = { planter: Planter; watch: WatchStream; started: Plantable; poke: () => void };

/** On a busy machine a plant may not come off: others had the CPU that it was to burn. Then it is planted again. */
const PLANT_TRIES = 4;

async function plantOne(kind: StallKind, running: Running): Promise<Judged> {
  for (let i = 1; ; i++) {
    const { record, stall } = await plantAndWatch(kind, running);
    if (kind.cameOff(record) || i === PLANT_TRIES) return judge(kind, record, stall);
  }
}

async function plantAndWatch(kind: StallKind, { planter, watch, started, poke }: Running) {
  using group = kind.quotaPercent === undefined ? null : makeQuotaGroup(kind.quotaPercent, 25_000);
  group?.add(started.pid);
  const before = watch.objects.length;
  const planted = await planter.plant(kind.plant, kind.amountUs, poke);
  const record = { ...planted, throttledNs: group ? throttledNsOf(group) : 0 };
  const fits = (object: StreamObject) =>
    object.type === 'stall' && object.kind === 'work' && (object.wall_ns as number) >= record.wallNs * 0.98;
  const told = await until('the stall', () => watch.objects.slice(before).find(fits), STALL_WITHIN_MS).catch(
    () => undefined,
  );
  return { record, stall: told as StallObject | undefined };
}

/** As the kernel counts it, over all CPUs: ns in version 1, µs in version 2. */
function throttledNsOf({ folder }: LimitedGroup): number {
  const text = readFileSync(join(folder, 'cpu.stat'), 'utf8');
  const [, unit, value] = /^throttled_(time|usec) (\d+)$/m.exec(text) ?? [];
  return Number(value ?? 0) * (unit === 'usec' ? 1000 : 1);
}
