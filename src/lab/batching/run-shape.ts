/** One shape of arrivals at the agent: what it did, from the inside and by the scheduler's account, window by window. */
import { parseTarget } from '../../base/address.ts';
import { createClock } from '../../base/clock.ts';
import type { FitPoint } from '../../diagnose/facts/cpu-fit.ts';
import { doctor } from '../../doctor.ts';
import { startLoad } from '../../drive/drive.ts';
import type { CountedServer, ServerCounters } from '../counted-server.ts';
import type { Shape } from './plan.ts';
import type { ShapeResult } from './result.ts';

export type ShapeOptions = {
  server: CountedServer;
  /** Where the load goes: the agent, or what stands before it. */
  target: string;
  connectionCount: number;
  durationNs: number;
  signal: AbortSignal;
};

const WINDOW_MS = 250;
/** Connections open, code is compiled: the first windows are not looked at. */
const SETTLE_MS = 500;

/** Nobody watches: the observer would add to what a wake-up costs. */
export async function runShape(shape: Shape, options: ShapeOptions): Promise<ShapeResult> {
  const { server, connectionCount, durationNs, signal } = options;
  const load = startLoad({
    clock: createClock(),
    target: parseTarget(options.target),
    arrival: 'poisson',
    ratePerSec: null,
    connectionCount,
    threadCount: 1,
    durationNs: durationNs + SETTLE_MS * 1e6,
    warmupNs: SETTLE_MS * 1e6,
    timeoutNs: 1e9,
    seed: 1,
    backend: 'auto',
    ...shape.load,
  });
  const stop = () => load.stop('interrupted');
  signal.addEventListener('abort', stop, { once: true });
  let ended = false;
  const done = load.done.finally(() => {
    ended = true;
    signal.removeEventListener('abort', stop);
  });
  done.catch(() => {});
  const looks: { atMs: number; counters: ServerCounters }[] = [];
  const look = async () => looks.push({ atMs: performance.now(), counters: (await server.counters())[0]! });
  await sleep(SETTLE_MS);
  const until = performance.now() + durationNs / 1e6 - WINDOW_MS / 2;
  await look();
  while (!ended && performance.now() < until) {
    await sleep(WINDOW_MS);
    if (!ended) await look();
  }
  const record = await done;
  const first = looks[0]!;
  const last = looks.at(-1)!;
  const grown = (pick: (counters: ServerCounters) => number) => pick(last.counters) - pick(first.counters);
  const seconds = Math.max(0.001, (last.atMs - first.atMs) / 1e3);
  const requests = grown(({ stats }) => stats.requests);
  const waits = grown(({ stats }) => stats.cycles);
  const cpuNs = grown((counters) => counters.cpuNs);
  return {
    name: shape.name,
    how: shape.how,
    requests,
    seconds,
    answered: record.counts.ok,
    failed: record.counts.error + record.counts.timeout + record.counts.wrong,
    waits,
    waitsPerSec: waits / seconds,
    eventsPerWakeUp: grown(({ stats }) => stats.events) / Math.max(1, waits),
    cpuShare: cpuNs / 1e9 / seconds,
    cpuNsPerRequest: cpuNs / Math.max(1, requests),
    idc10ms: record.arrivals.idc10ms,
    windows: looks.slice(1).map(({ counters }, i) => windowOf(looks[i]!.counters, counters)),
    verdict: null,
  };
}

function windowOf(before: ServerCounters, after: ServerCounters): FitPoint {
  return {
    events: after.stats.events - before.stats.events,
    wakeUps: after.stats.cycles - before.stats.cycles,
    cpuNs: after.cpuNs - before.cpuNs,
  };
}

/** What the doctor says of the same load. */
export async function askDoctor(shape: Shape, options: ShapeOptions): Promise<ShapeResult['verdict']> {
  const { diagnosis } = await doctor({
    connectionCount: options.connectionCount,
    durationNs: options.durationNs,
    ...shape.load,
    target: options.target,
    process: options.server.pid,
    command: ['lab', 'batching'],
    signal: options.signal,
  });
  const { culprit, confidence, headline } = diagnosis.verdict;
  return { culprit, confidence, headline };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
