/**
 * The body of a load thread. It connects, says that it is ready, waits for the common start and then turns its loop
 * until the load is over, never returning to Node's event loop in between: what the main thread may want to know
 * meanwhile lies in shared memory.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Address } from '../../base/address.ts';
import { createPrng } from '../../base/prng.ts';
import { createMonotonicClock, createSuspensionClock } from '../../kernel/clock.ts';
import { gettid, setTimerSlackNs } from '../../kernel/process.ts';
import type { LoopStats } from '../../loop/event-loop.ts';
import { createLoop } from '../../loop/registry.ts';
import type { RingSizes } from '../../loop/ring-loop.ts';
import { stageSpans } from '../../plan/arrivals/stages.ts';
import type { Plan } from '../../plan/plan-options.ts';
import { tunnelRequest } from '../../plan/proxy.ts';
import { captureBytesOf, readsHeaders } from '../../plan/requests/check.ts';
import type { OutageRecord, OutcomeRecord, SpanRecord } from '../../record/load.ts';
import type { ParserOptions } from '../../wire/codec.ts';
import { loadCodec } from '../../wire/custom/load-codec.ts';
import { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import type { ProfileStack } from '../profile/client-profile.ts';
import { beginInspection } from '../profile/inspection.ts';
import { ReplaySource, type ReplaySourceOptions, type ReplayThreadTally } from '../replay/replay-source.ts';
import { ConnectionSupply } from '../supply/connection-supply.ts';
import type { TunnelTally } from '../supply/tunnels.ts';
import { GapWriter } from '../tally/send-gaps.ts';
import {
  beginThreadCost,
  measureOversleep,
  type ThreadCost,
  watchGarbageCollection,
} from '../tally/thread-cost.ts';
import {
  CONTROL,
  COUNTER,
  type ControlMemory,
  controlFlags,
  controlLastSent,
  controlStart,
  type ThreadMemory,
} from '../tally/thread-memory.ts';
import { Driver } from './driver.ts';
import { PlanSource } from './plan-source.ts';
import { type ThreadError, threadError } from './thread-error.ts';

export type ThreadInput = {
  /** Tells a thread of ours from any other that happens to import this file. */
  kind: 'loopscope load';
  threadIndex: number;
  plan: Plan;
  /** Where connections go, by turns. */
  addresses: readonly Address[];
  anchor: { startMonoNs: bigint; startWallMs: number };
  backend: 'auto' | 'ring' | 'epoll';
  /** Never sleep. */
  spin: boolean;
  ringSizes: Partial<RingSizes> | undefined;
  control: ControlMemory;
  memory: ThreadMemory;
  /** The thread is to profile itself. */
  inspects: boolean;
  /** The log that is replayed, instead of what the plan has; null: there is none. */
  replay: ReplaySourceOptions | null;
};

export type ThreadMessage =
  | {
      kind: 'ready';
      tid: number;
      openedCount: number;
      lastErrno: number;
      error: ThreadError | null;
      /** Null without tunnels. */
      tunnels: TunnelTally | null;
      backend: 'ring' | 'epoll';
    }
  | { kind: 'failed'; error: ThreadError }
  | { kind: 'done'; result: ThreadResult };

export type ThreadResult = {
  /** What the codec calls itself. */
  codecName: string;
  endNs: number;
  cost: ThreadCost;
  garbage: { ns: number; count: number };
  oversleep: { p50Ns: number; p99Ns: number } | null;
  stats: LoopStats;
  statusCounts: [status: number, count: number][];
  errorsByKind: [kind: string, count: number][];
  wrongByReason: [reason: string, count: number][];
  firstTexts: [kind: string, text: string][];
  failedByErrno: [errno: string, count: number][];
  /** What the server said to a connection that it turned away; empty when it said nothing. */
  refusal: string;
  /** Null without tunnels. */
  tunnels: TunnelTally | null;
  slowest: { responseNs: number; outcome: OutcomeRecord }[];
  outages: OutageRecord[];
  longestAbsence: SpanRecord;
  longestSilence: SpanRecord;
  suspendedNs: number;
  /** Null unless the thread was to profile itself. */
  inspected: ProfileStack[] | null;
  /** Null when no log is replayed. */
  replay: ReplayThreadTally | null;
};

/** Deadlines nearer than this are met by spinning: on quiet hardware a timed wait oversleeps by about as much. */
const SPIN_NS = 60e3;
/** Connections still under way after this long do not hold up the start. */
const OPENING_LIMIT_NS = 3e9;
/** Slots for connections closing while their successors open. */
const SPARE_SLOTS = 64;
/** Most connections kept for their late replies, of a thread: as many again as there are, up to here. */
const ASIDE_LIMIT = 1024;
/** Places tried again after what was no use, per second of the whole run. */
const RETRIES_PER_SEC = 100;
/** Apart from the streams that arrivals and rests are drawn from. */
const RETRY_STREAM = 0x10000;
/** How long to wait for the common start before taking the main thread for dead. */
const GO_LIMIT_MS = 60_000;
/**
 * How long a thread that has done its work stays, idle. One run ended in "unreachable code" in V8's lowering of a fast
 * call, about when its thread did. Most likely V8 was still compiling for it in the background, from what node:ffi knows
 * of a function, which Node frees with the thread; it could not be provoked again, nor shown to be cured.
 */
const SETTLE_MS = 100;
const HOUR_NS = 3_600_000_000_000;

function post(message: ThreadMessage): void {
  parentPort!.postMessage(message);
}

async function run(input: ThreadInput): Promise<void> {
  const { plan, threadIndex, memory } = input;
  const flags = controlFlags(input.control);
  const nowNs = createThreadClock(input.anchor);
  // The default lets the kernel end a timed wait 50 µs late, more than all else that makes us late.
  setTimerSlackNs(1);
  const readSuspendedNs = createSuspensionClock();
  const garbage = watchGarbageCollection();
  const oversleep = threadIndex === 0 ? measureOversleep(nowNs) : null;

  const wanted = shareOf(plan.connectionCount, threadIndex, plan.threadCount);
  const asideLimit = Math.min(wanted, ASIDE_LIMIT);
  const connectionLimit = wanted + asideLimit + Math.min(wanted, SPARE_SLOTS);
  const source = input.replay
    ? new ReplaySource(input.replay, connectionLimit)
    : new PlanSource(plan, threadIndex);
  const isOpenLoop = input.replay?.isTimed ?? plan.ratePerSec !== null;
  const recorder = new OutcomeRecorder(memory, isOpenLoop ? gapWriter(input) : null, readSuspendedNs);
  const codec = await loadCodec(plan.codec);
  const driver = new Driver({
    createPace: (parts) => source.createPace(parts),
    parser: codec.createReplyParser(parserOptions(plan, connectionLimit)),
    outgoing: source.outgoing,
    expectation: source.expectation,
    connectionLimit,
    asideLimit,
    depth: plan.pipelineDepth,
    timeoutNs: plan.timeoutNs,
    requestLimit:
      plan.requestLimit === null
        ? Number.POSITIVE_INFINITY
        : shareOf(plan.requestLimit, threadIndex, plan.threadCount),
    requestsPerConnection: plan.requestsPerConnection,
    recorder,
    nowNs,
    isStopped: () => Atomics.load(flags, CONTROL.stop) !== 0,
    supply: new ConnectionSupply({
      addresses: turned(input.addresses, threadIndex * wanted),
      wanted,
      connectionLimit,
      connectTimeoutNs: plan.connectTimeoutNs,
      openingsPerSec: plan.connectionsPerSec && plan.connectionsPerSec / plan.threadCount,
      retriesPerSec: RETRIES_PER_SEC / plan.threadCount,
      random: createPrng(plan.seed, RETRY_STREAM + threadIndex).next,
      sourceAddresses: plan.sourceAddresses,
      tunnelRequest: tunnelRequest(plan),
      counters: memory.counters,
    }),
  });
  using loop = createLoop(
    {
      connectionLimit,
      handlers: driver.handlers,
      nowNs,
      spinNs: input.spin ? Number.POSITIVE_INFINITY : SPIN_NS,
    },
    input.backend,
    input.ringSizes,
  );
  driver.attach(loop);

  const begunNs = nowNs();
  // Without a single one there is nothing to begin with: the first has all its time.
  const openLimitNs = () =>
    memory.counters[COUNTER.opened]! > 0
      ? OPENING_LIMIT_NS
      : Math.max(OPENING_LIMIT_NS, plan.connectTimeoutNs);
  do loop.turn();
  while (
    !driver.supply.isSettled &&
    nowNs() - begunNs < openLimitNs() &&
    Atomics.load(flags, CONTROL.stop) === 0
  );
  post({
    kind: 'ready',
    tid: gettid(),
    openedCount: memory.counters[COUNTER.opened]!,
    lastErrno: driver.supply.lastErrno,
    error: driver.supply.lastError && toMessage(driver.supply.lastError),
    tunnels: driver.supply.tunnels && { ...driver.supply.tunnels.tally },
    backend: loop.backend,
  });
  Atomics.wait(flags, CONTROL.go, 0, GO_LIMIT_MS);
  const startNs = controlStart(input.control)[0]!;
  if (Atomics.load(flags, CONTROL.go) !== 1) return;

  const endInspection = input.inspects ? await beginInspection(threadIndex) : null;
  const statsBefore = { ...loop.stats };
  const tunnelBytesBefore = driver.supply.tunnels?.sentBytes ?? 0;
  recorder.begin(startNs, startNs + plan.warmupNs, startNs + plan.durationNs, blockCutsNs(plan, startNs));
  source.begin(startNs + plan.warmupNs);
  driver.start(startNs, startNs + plan.durationNs);
  const endCost = beginThreadCost();
  const suspendedBeforeNs = readSuspendedNs();
  const loadStartMs = performance.now();
  while (!driver.isFinished) loop.turn();
  const cost = endCost();
  const inspected = (await endInspection?.()) ?? null;
  const stats = statsSince(loop.stats, statsBefore);
  const tunnelBytes = (driver.supply.tunnels?.sentBytes ?? 0) - tunnelBytesBefore;
  memory.counters[COUNTER.bytesSent] = Math.max(0, stats.sentBytes - tunnelBytes);
  post({
    kind: 'done',
    result: {
      codecName: codec.name,
      endNs: driver.endedNs,
      cost,
      garbage: await garbage.since(loadStartMs),
      oversleep,
      stats,
      statusCounts: [...recorder.statusCounts.entries()].filter(([, count]) => count > 0),
      errorsByKind: [...recorder.errorsByKind],
      wrongByReason: [...recorder.wrongByReason],
      firstTexts: [...driver.judge.firstTexts.byKind],
      failedByErrno: [...driver.supply.failedByErrno],
      refusal: driver.supply.refusal.text,
      tunnels: driver.supply.tunnels && { ...driver.supply.tunnels.tally },
      slowest: recorder.slowest.records(),
      outages: driver.turns.outages.records,
      longestAbsence: recorder.waits.longestAbsence,
      longestSilence: driver.turns.silence.longest,
      suspendedNs: Math.max(0, readSuspendedNs() - suspendedBeforeNs),
      inspected,
      replay: source.tally(),
    },
  });
}

/**
 * The run's clock for this thread. It is anchored an hour too early, and that hour taken off again: a product that is
 * small at first and large later, as seconds × 1e9 is, would make V8 compile the hot path three times over.
 */
function createThreadClock(anchor: ThreadInput['anchor']): () => number {
  const earlier = createMonotonicClock({ ...anchor, startMonoNs: anchor.startMonoNs - BigInt(HOUR_NS) });
  return () => earlier.nowNs() - HOUR_NS;
}

/** Thread `index` of `of` has this many of `count` things. */
function shareOf(count: number, index: number, of: number): number {
  return Math.floor(count / of) + (index < count % of ? 1 : 0);
}

/** The list, begun at another place: threads together go round it evenly. */
function turned<T>(list: readonly T[], by: number): T[] {
  return list.map((_, i) => list[(i + by) % list.length]!);
}

/** Threads share the clock of the last request only when there are several: alone, it stays in this core's cache. */
function gapWriter({ plan, memory, control }: ThreadInput): GapWriter {
  return new GapWriter(memory.gaps, plan.threadCount > 1 ? controlLastSent(control) : new Float64Array(2));
}

/** What the parser keeps of a reply is what the checks look at, and nothing without checks. */
function parserOptions(plan: Plan, connectionLimit: number): ParserOptions {
  const { checks, arena } = plan.requests;
  const captureBytes = Math.max(captureBytesOf(checks), readsHeaders(checks) ? 1 : 0);
  return { connectionLimit, captureBytes, frame: plan.frame, request: arena };
}

function statsSince(now: LoopStats, before: LoopStats): LoopStats {
  const difference = { ...now };
  for (const key of Object.keys(difference) as (keyof LoopStats)[]) difference[key] -= before[key];
  return difference;
}

function toMessage(error: unknown): ThreadError {
  const { code, message, hint } = threadError(error);
  return { code, message, hint };
}

if (parentPort !== null && (workerData as ThreadInput | null)?.kind === 'loopscope load') {
  run(workerData as ThreadInput)
    .catch((error) => post({ kind: 'failed', error: toMessage(error) }))
    .finally(() => setTimeout(() => {}, SETTLE_MS));
}

/** A stage this short has no figures of its own: blocks are few, and the main thread has to read them in time. */
const SHORTEST_CUT_NS = 100e6;

/** Ends of stages, where blocks end too, so that a stage's figures are its own. */
function blockCutsNs(plan: Plan, startNs: number): number[] {
  const cutsNs: number[] = [];
  let fromNs = 0;
  for (const { toNs } of stageSpans(plan.stages ?? [])) {
    if (toNs - fromNs < SHORTEST_CUT_NS) continue;
    cutsNs.push(startNs + toNs);
    fromNs = toNs;
  }
  return cutsNs;
}
