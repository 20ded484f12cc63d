/** Drives a target: a plan in, a LoadRecord out. The work is done on worker threads; this thread stays free. */
import type { Worker } from 'node:worker_threads';
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { LoopscopeError } from '../base/errors.ts';
import { readOpenFileLimit } from '../kernel/proc/descriptors.ts';
import type { RingSizes } from '../loop/ring-loop.ts';
import { ARRIVALS } from '../plan/arrivals/registry.ts';
import { createPlan, peerAddress } from '../plan/plan.ts';
import type { Plan, PlanOptions } from '../plan/plan-options.ts';
import type { ReplayOptions } from '../plan/replay/replay-options.ts';
import type { ReplayProgress } from '../plan/replay/replay-reader.ts';
import { ROUTE_LIMIT } from '../plan/replay/replay-request.ts';
import type { ReplaySummary } from '../plan/replay/replay-summary.ts';
import type { AddressRecord, ClientCost, LoadRecord, SupplyRecord } from '../record/load.ts';
import { clientCost } from './client-cost.ts';
import { sharedOutages, waitRecord } from './hindrances.ts';
import { isConserved, LoadCollector, type LoadSpan, sumByName } from './load-collector.ts';
import { planRecord } from './plan-record.ts';
import type { ClientProfile } from './profile/client-profile.ts';
import type { Profiling } from './profile/profiling.ts';
import { ReplayFeed } from './replay-feed.ts';
import { nothingToSend, replayArrival, replayPlan, replayRecord } from './replay-load.ts';
import type { Resolver } from './resolve.ts';
import { startLoadThread } from './start-load-thread.ts';
import { beginSurroundings } from './surroundings.ts';
import { DoingSampler, SAMPLE_EVERY_MS } from './tally/doing-samples.ts';
import type { LatencySoFar } from './tally/latency-so-far.ts';
import { SLOWEST_LIMIT } from './tally/slowest.ts';
import {
  CONTROL,
  COUNTER,
  controlFlags,
  controlStart,
  createControl,
  createThreadMemory,
} from './tally/thread-memory.ts';
import { chooseAddresses, unreachable } from './target.ts';
import type { ThreadResult } from './thread/load-thread.ts';
import { ThreadMessages } from './thread-messages.ts';
import { tunnelRecord } from './tunnel-record.ts';

export type LoadOptions = PlanOptions & {
  clock: Clock;
  backend?: 'auto' | 'ring' | 'epoll';
  /** Threads never sleep: sends are late by microseconds, and each thread takes a whole CPU. */
  spin?: boolean;
  /** Sizes of the ring back end's tables; for tests of what happens when they are too small. */
  ringSizes?: Partial<RingSizes>;
  /** How a target's name is looked up; default: the system's resolver. */
  resolve?: Resolver;
  /** A log to be sent, at its own times, instead of what the plan's options say of arrivals and requests. */
  replay?: ReplayOptions;
  /** Asks for a profile of the load threads, given when they are done. It costs them some of their time. */
  onProfile?: (profile: ClientProfile) => void;
  /** About four times a second. */
  onProgress?: (progress: LoadProgress) => void;
};

export type LoadProgress = {
  planned: number;
  /** Replies, right or wrong. */
  done: number;
  /** Errors, wrong replies and timeouts. */
  failed: number;
  inFlight: number;
  /** Due, and without a connection yet. */
  waiting: number;
  openConnections: number;
  latency: LatencySoFar | null;
  /** How far the log is read; null before that begins, absent without one. */
  replay?: ReplayProgress | null;
};

export type LoadHandle = {
  /** The record, also after an early stop. Rejects with TARGET_UNREACHABLE when no connection could be opened. */
  done: Promise<LoadRecord>;
  /** Ends the run early; replies under way are waited for, briefly. The first reason counts. */
  stop(reason: string): void;
  progress(): LoadProgress;
};

const COLLECT_EVERY_MS = 250;
/** Between the last thread's being ready and the first request. */
const START_DELAY_NS = 5e6;
/** Without any connection for this long the target has vanished. */
const VANISHED_AFTER_NS = 3e9;

/** What connect(2) says when no local port is free. */
const NO_PORT = 'EADDRNOTAVAIL';

/** How long a thread may take to end after its work. */
const EXIT_LIMIT_MS = 2000;

/** Starts a load at once. Throws USAGE for a plan that cannot be run. */
export function startLoad(options: LoadOptions): LoadHandle {
  const plan = createPlan(options.replay ? replayPlan(options) : options);
  const run = new LoadRun(plan, options);
  return { done: run.done, stop: (reason) => run.stop(reason), progress: () => run.progress() };
}

type Thread = { worker: Worker; messages: ThreadMessages };

class LoadRun {
  readonly done: Promise<LoadRecord>;
  readonly #plan: Plan;
  readonly #options: LoadOptions;
  readonly #control = createControl();
  readonly #flags = controlFlags(this.#control);
  readonly #memories;
  /** Read before the threads begin: afterwards there may be no descriptor left to read it with. */
  readonly #openFileLimit = readOpenFileLimit();
  readonly #stopped = new AbortController();
  readonly #feed: ReplayFeed | null;
  #profiling: Profiling | null = null;
  #tried: AddressRecord[] = [];
  #stopReason: string | null = null;
  #collector: LoadCollector | null = null;

  constructor(plan: Plan, options: LoadOptions) {
    this.#plan = plan;
    this.#options = options;
    const kindCount = options.replay ? ROUTE_LIMIT : plan.requests.kindNames.length;
    this.#memories = Array.from({ length: plan.threadCount }, () => createThreadMemory(kindCount));
    this.#feed = options.replay ? new ReplayFeed(options.replay, plan.threadCount) : null;
    this.done = this.#run();
  }

  stop(reason: string): void {
    this.#stopReason ??= reason;
    Atomics.store(this.#flags, CONTROL.stop, 1);
    this.#feed?.stop();
    this.#stopped.abort();
  }

  progress(): LoadProgress {
    const sum = (index: number) =>
      this.#memories.reduce((total, { counters }) => total + counters[index]!, 0);
    const wrong = sum(COUNTER.wrong);
    return {
      planned: sum(COUNTER.planned),
      done: sum(COUNTER.ok) + wrong,
      failed: wrong + sum(COUNTER.error) + sum(COUNTER.timeout),
      inFlight: sum(COUNTER.inFlight),
      waiting: sum(COUNTER.waiting),
      openConnections: sum(COUNTER.open),
      latency: this.#collector?.latencySoFar() ?? null,
      ...(this.#feed && { replay: this.#feed.progress }),
    };
  }

  async #run(): Promise<LoadRecord> {
    await using _feed = this.#feed;
    using profiling = this.#options.onProfile ? await prepareProfiling() : null;
    this.#profiling = profiling;
    if (this.#feed !== null && !(await this.#feed.flowing)) throw await this.#nothingSent(this.#feed);
    const chosen = await chooseAddresses(this.#plan, this.#stopped.signal, this.#options.resolve);
    this.#tried = chosen.tried;
    const threads = this.#memories.map((_, threadIndex) => this.#startThread(chosen.used, threadIndex));
    try {
      return await this.#drive(this.#plan, threads, chosen.used);
    } finally {
      // Threads end by themselves, closing what they opened; one that does not is stopped wherever it is.
      Atomics.store(this.#flags, CONTROL.stop, 1);
      Atomics.compareExchange(this.#flags, CONTROL.go, 0, 2);
      Atomics.notify(this.#flags, CONTROL.go);
      await Promise.all(threads.map(({ messages }) => messages.exited(EXIT_LIMIT_MS)));
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    }
  }

  async #nothingSent(feed: ReplayFeed): Promise<LoopscopeError> {
    if (this.#stopReason === null) return nothingToSend(await feed.end());
    return new LoopscopeError('NOTHING_TO_SEND', `${this.#stopReason} before a request of the log was due`);
  }

  #startThread(addresses: readonly Address[], threadIndex: number): Thread {
    const { startMonoNs, startWallMs } = this.#options.clock;
    const worker = startLoadThread({
      kind: 'loopscope load',
      threadIndex,
      plan: this.#plan,
      addresses,
      anchor: { startMonoNs, startWallMs },
      backend: this.#options.backend ?? 'auto',
      spin: this.#isSpinning,
      ringSizes: this.#options.ringSizes,
      control: this.#control,
      memory: this.#memories[threadIndex]!,
      inspects: this.#profiling?.inspects ?? false,
      replay: this.#feed && {
        ring: this.#feed.rings[threadIndex]!,
        isTimed: this.#isTimed,
        waitingLimit: Math.ceil(this.#plan.queueLimit / this.#plan.threadCount),
      },
    });
    return { worker, messages: new ThreadMessages(worker) };
  }

  /** Requests are due at times, whatever the server does. */
  get #isTimed(): boolean {
    const { replay } = this.#options;
    return replay ? replay.pace?.kind !== 'max' : ARRIVALS[this.#plan.arrival].openLoop;
  }

  get #isSpinning(): boolean {
    return this.#options.spin ?? false;
  }

  async #drive(plan: Plan, threads: Thread[], targets: readonly Address[]): Promise<LoadRecord> {
    const ready = await Promise.all(threads.map(({ messages }) => messages.wait('ready')));
    const isOpen = ready.some(({ openedCount }) => openedCount > 0);
    if (!isOpen && this.#stopReason === null) throw unreachable(plan, ready);

    const endSurroundings = beginSurroundings(targets);
    const startNs = this.#options.clock.nowNs() + START_DELAY_NS;
    const span: LoadSpan = {
      startNs,
      measuredFromNs: startNs + plan.warmupNs,
      endNs: startNs + plan.durationNs,
    };
    const collector = new LoadCollector(this.#memories, span);
    this.#collector = collector;
    this.#profiling?.start(ready.map(({ tid }) => tid));
    controlStart(this.#control)[0] = startNs;
    Atomics.store(this.#flags, CONTROL.go, 1);
    Atomics.notify(this.#flags, CONTROL.go);
    const ticker = setInterval(() => this.#tick(collector), COLLECT_EVERY_MS);
    const samples = new DoingSampler(this.#memories);
    const sampling = setInterval(() => samples.look(), SAMPLE_EVERY_MS);
    let results: ThreadResult[];
    try {
      results = (await Promise.all(threads.map(({ messages }) => messages.wait('done')))).map(
        ({ result }) => result,
      );
    } finally {
      clearInterval(ticker);
      clearInterval(sampling);
    }
    const endNs = Math.max(...results.map((result) => result.endNs));
    const surroundings = endSurroundings({
      wallNs: endNs - startNs,
      sourceAddressCount: Math.max(1, plan.sourceAddresses.length),
      ranOutOfPorts: results.some(({ failedByErrno }) => failedByErrno.some(([errno]) => errno === NO_PORT)),
    });
    collector.collect(endNs);
    if (this.#profiling) {
      this.#options.onProfile?.(this.#profiling.finish(results.map(({ inspected }) => inspected)));
    }
    const client: ClientCost = {
      ...clientCost(results, endNs - startNs, (threadIndex) => collector.turns(threadIndex), samples),
      ...surroundings.client,
    };
    const summary = (await this.#feed?.end()) ?? null;
    const ended = { ...span, endNs };
    const record = this.#record(plan, collector, results, ended, client, ready[0]!.backend, summary);
    return peerAddress(plan).kind === 'tcp' ? { ...record, network: surroundings.network } : record;
  }

  #tick(collector: LoadCollector): void {
    collector.collect();
    const nowNs = this.#options.clock.nowNs();
    const vanished = this.#memories.every(({ counters }) => {
      const downSinceNs = counters[COUNTER.downSinceNs]!;
      return downSinceNs > 0 && nowNs - downSinceNs > VANISHED_AFTER_NS;
    });
    if (vanished) this.stop(this.#plan.proxy ? 'proxy or target vanished' : 'target vanished');
    this.#options.onProgress?.(this.progress());
  }

  #record(
    plan: Plan,
    collector: LoadCollector,
    results: ThreadResult[],
    span: LoadSpan,
    client: ClientCost,
    backend: 'ring' | 'epoll',
    summary: ReplaySummary | null,
  ): LoadRecord {
    const counts = collector.counts();
    assert(isConserved(counts), `planned = sum of outcomes (O1): ${JSON.stringify(counts)}`);
    const kinds = collector.kinds(summary?.routes.map(({ name }) => name) ?? plan.requests.kindNames);
    const tallies = results.map(({ replay }) => replay).filter((tally) => tally !== null);
    const startMs = this.#options.clock.startWallMs + span.startNs / 1e6;
    const finishedEarly = span.endNs < span.startNs + plan.durationNs;
    return {
      plan: {
        ...planRecord(plan, results[0]!.codecName, backend),
        spin: this.#isSpinning,
        ...(summary && replayArrival(this.#options.replay!)),
      },
      startNs: span.startNs,
      endNs: span.endNs,
      measuredFromNs: span.measuredFromNs,
      counts,
      errorsByKind: sumByName(results.map((result) => result.errorsByKind)),
      wrongByReason: sumByName(results.map((result) => result.wrongByReason)),
      firstTexts: Object.fromEntries(results.flatMap((result) => result.firstTexts).reverse()),
      statusCounts: sumByName(
        results.map((result) => result.statusCounts.filter(([status]) => status !== 0)),
      ),
      bytesSent: collector.counter(COUNTER.bytesSent),
      bytesReceived: collector.counter(COUNTER.bytesReceived),
      connections: {
        opened: collector.counter(COUNTER.opened),
        failed: collector.counter(COUNTER.failed),
        reopened: collector.counter(COUNTER.reopened),
        closedByPeer: collector.counter(COUNTER.closedByPeer),
        lateReplies: collector.counter(COUNTER.lateReplies),
        unasked: collector.counter(COUNTER.unasked),
        closedIdle: collector.counter(COUNTER.closedIdle),
        sentAgain: collector.counter(COUNTER.sentAgain),
      },
      supply: {
        ...supplyRecord(collector, results),
        openFileLimit: this.#openFileLimit,
        addresses: this.#tried,
      },
      waits: waitRecord(collector, results),
      outages: sharedOutages(results.map((result) => result.outages)),
      blocks: collector.blocks(),
      total: collector.total(),
      arrivals: collector.arrivals(span.endNs, this.#isTimed),
      client,
      inFlight: collector.inFlight(plan.connectionCount * plan.pipelineDepth),
      slowest: results
        .flatMap((result) => result.slowest)
        .sort((a, b) => b.responseNs - a.responseNs)
        .slice(0, SLOWEST_LIMIT)
        .map(({ outcome }) => outcome),
      answeredInTime: collector.counter(COUNTER.answeredInTime),
      // A run that ends by itself before its time has had the requests that were asked for.
      stoppedEarly: finishedEarly ? this.#stopReason : null,
      ...(kinds && { kinds }),
      ...(summary && {
        replay: replayRecord(summary, this.#options.replay!, tallies, counts.planned, startMs),
      }),
    };
  }
}

function supplyRecord(
  collector: LoadCollector,
  results: ThreadResult[],
): Omit<SupplyRecord, 'openFileLimit' | 'addresses'> {
  const tunnels = tunnelRecord(results);
  return {
    ...(tunnels && { tunnels }),
    held: collector.counter(COUNTER.held),
    turnedAway: collector.counter(COUNTER.turnedAway),
    refusal: results.find(({ refusal }) => refusal !== '')?.refusal ?? null,
    failedByErrno: sumByName(results.map((result) => result.failedByErrno)),
  };
}

/** Loaded when asked for: it brings the symbols of the kernel and of our own process. */
async function prepareProfiling(): Promise<Profiling> {
  return (await import('./profile/profiling.ts')).prepareProfiling();
}
