/** One accept strategy from start to stop: a rush, a trickle under the doctor's eyes, and a worker that is stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseTarget } from '../../base/address.ts';
import { createClock } from '../../base/clock.ts';
import { LoopscopeError } from '../../base/errors.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import { doctor } from '../../doctor.ts';
import { type LoadOptions, startLoad } from '../../drive/drive.ts';
import { readOpenSockets } from '../../kernel/proc/epoll-watches.ts';
import { openSockDiag } from '../../kernel/sock-diag.ts';
import type { LoadRecord } from '../../record/load.ts';
import { type CountedServer, type ServerCounters, startCountedServer } from '../counted-server.ts';
import type { LabContext } from '../experiment.ts';
import { makeCalls } from './callers.ts';
import type { HerdPlan } from './plan.ts';
import type { PhaseResult, StopResult, StrategyResult } from './result.ts';

/** A connection that waits for longer was not taken by an idle worker. */
const STRANDED_NS = 250e6;
/** The stop comes so long after the first call, and calls go on for half of the tail after it. */
const STOP_LEAD_NS = 1000e6;
const STOP_TAIL_NS = 800e6;
const RUSH_LIMIT_NS = 60e9;
const LOOK_EVERY_MS = 2;
/** Loopback addresses to connect from: the ports of one do not last for 50 000 connections and their TIME_WAIT. */
const SOURCES = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 1}`);
/** New workers compile their code first: so many connections pass before anything is measured. */
const WARM_UP_CONNECTIONS = 2000;

const COMMON = {
  requestsPerConnection: 1,
  sourceAddresses: SOURCES,
  threadCount: 1,
  seed: 1,
  backend: 'auto',
  warmupNs: 0,
} as const;

export async function runStrategy(
  accept: string,
  plan: HerdPlan,
  context: LabContext,
): Promise<StrategyResult> {
  const say = (text: string) => context.status(`${accept}: ${text}`);
  say(`starting ${plan.workerCount} workers`);
  const listen = [
    '--listen',
    'http://127.0.0.1:0/',
    '--workers',
    String(plan.workerCount),
    '--accept',
    accept,
  ];
  // The same event loop for all: what differs is how connections are accepted.
  const loop = ['--backend', accept === 'multishot' ? 'ring' : 'epoll'];
  await using server = await startCountedServer(context.program, ['http', ...listen, ...loop]);
  const [first] = await server.counters();
  const { backend } = first!.stats;

  say('warming up');
  await rush(server, plan, Math.min(WARM_UP_CONNECTIONS, plan.rushConnections), context);
  say(`${plan.rushConnections} connections, ${plan.clientCount} clients at once`);
  const rushed = await phase(server, () => rush(server, plan, plan.rushConnections, context));
  await delay(300);

  say(`${plan.trickleRatePerSec} connections a second, and the doctor`);
  const trickled = await phase(server, async () => {
    const { run, diagnosis } = await doctor({
      ...COMMON,
      target: server.target,
      process: server.pid,
      arrival: 'poisson',
      ratePerSec: plan.trickleRatePerSec,
      connectionCount: plan.clientCount,
      durationNs: plan.trickleNs,
      command: ['lab', 'herd'],
      signal: context.signal,
    });
    return { load: run.load!, diagnosis };
  });

  say(`one worker stopped for ${plan.stoppedNs / 1e9} s`);
  const stop = await stopOne(server, trickled.phase, plan, context);
  return {
    accept,
    backend,
    rush: { ...rushed.phase, wallNs: rushed.value.wallNs },
    trickle: trickled.phase,
    stop,
    verdict: verdictOf(trickled.value.diagnosis),
  };
}

/** All clients at once, each request on a connection of its own, until so many were answered. */
async function rush(server: CountedServer, plan: HerdPlan, count: number, context: LabContext) {
  const clock = createClock();
  const options: LoadOptions = {
    ...COMMON,
    clock,
    target: parseTarget(server.target),
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: plan.clientCount,
    durationNs: RUSH_LIMIT_NS,
    timeoutNs: 5e9,
  };
  const load = startLoad(options);
  const { done } = load;
  let ended = false;
  void done.finally(() => (ended = true)).catch(() => {});
  let reachedNs = 0;
  while (!ended && reachedNs === 0) {
    await delay(LOOK_EVERY_MS);
    if (load.progress().done >= count || context.signal.aborted) reachedNs = clock.nowNs();
  }
  load.stop('as many as were wanted');
  const record = await done;
  if (record.counts.ok < count && !context.signal.aborted) {
    throw new LoopscopeError(
      'INTERNAL',
      `only ${record.counts.ok} of ${count} connections were answered in ${RUSH_LIMIT_NS / 1e9} s`,
    );
  }
  return { load: record, wallNs: reachedNs - record.startNs };
}

/** Runs something and returns what the workers did meanwhile. */
async function phase<T extends { load: LoadRecord }>(
  server: CountedServer,
  run: () => Promise<T>,
): Promise<{ phase: PhaseResult; value: T }> {
  const before = await server.counters();
  const value = await run();
  const after = await server.counters();
  return { phase: phaseResult(before, after, value.load), value };
}

export function phaseResult(
  before: ServerCounters[],
  after: ServerCounters[],
  load: LoadRecord,
): PhaseResult {
  const sum = (pick: (row: ServerCounters) => number) =>
    after.reduce((total, row, i) => total + pick(row) - pick(before[i]!), 0);
  const perWorker = after.map((row, i) => row.stats.accepts - before[i]!.stats.accepts);
  const connections = Math.max(
    1,
    sum((row) => row.stats.accepts),
  );
  const cycles = sum((row) => row.stats.cycles);
  const vain = sum((row) => row.stats.acceptsInVain);
  const sleeps = sum((row) => row.voluntarySwitches);
  const isRing = after[0]!.stats.backend === 'ring';
  // A busy worker does not sleep for each cycle: then no sleep can be said to have been in vain.
  const turnedBack = Math.max(0, sleeps - cycles);
  return {
    connections,
    answered: load.counts.ok,
    failed: load.counts.error + load.counts.timeout + load.counts.wrong,
    cpuNsPerConnection: sum((row) => row.cpuNs) / connections,
    wakeUpsPerConnection: Math.max(sleeps, cycles) / connections,
    cyclesPerConnection: cycles / connections,
    failedAcceptShare: isRing ? null : vain / (vain + connections),
    vainShare: isRing ? null : (vain + turnedBack) / (cycles + turnedBack),
    balance: (Math.max(...perWorker) * perWorker.length) / connections,
    perWorker,
  };
}

/** Stops one worker in the middle of a steady trickle of new connections, and counts who had to wait for it. */
async function stopOne(
  server: CountedServer,
  trickle: PhaseResult,
  plan: HerdPlan,
  context: LabContext,
): Promise<StopResult> {
  const durationNs = STOP_LEAD_NS + plan.stoppedNs + STOP_TAIL_NS;
  let victim = server.pids[trickle.perWorker.indexOf(Math.max(...trickle.perWorker))]!;
  let chosen = 'had most connections';
  const timers: NodeJS.Timeout[] = [];
  const resume = () => signal(victim, 'SIGCONT');
  try {
    const watching = doctor({
      process: server.pid,
      durationNs,
      command: ['lab', 'herd'],
      signal: context.signal,
    });
    timers.push(
      setTimeout(() => {
        const holder = lockHolder(server);
        if (holder !== null) [victim, chosen] = [holder, 'held the accept lock'];
        signal(victim, 'SIGSTOP');
      }, STOP_LEAD_NS / 1e6),
      setTimeout(resume, (STOP_LEAD_NS + plan.stoppedNs) / 1e6),
    );
    const calls = await makeCalls(
      server.target,
      plan.stopRatePerSec,
      durationNs - STOP_TAIL_NS / 2,
      context.signal,
    );
    const { diagnosis } = await watching;
    return {
      pid: victim,
      chosen,
      stoppedNs: plan.stoppedNs,
      sent: calls.sent,
      stranded: calls.answeredNs.filter((ns) => ns >= STRANDED_NS).length + calls.failed,
      slowestNs: Math.max(0, ...calls.answeredNs),
      verdict: verdictOf(diagnosis),
    };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    resume();
  }
}

/** The worker that alone has the listener in its epoll set: with a lock round accept, whose turn it is. */
function lockHolder(server: CountedServer): number | null {
  using diag = openSockDiag();
  const port = new URL(server.target).port;
  const inodes = new Set(
    (diag?.listeners({ tcp: true, unix: false }) ?? [])
      .filter(({ address }) => address.endsWith(`:${port}`))
      .map(({ inode }) => inode),
  );
  if (inodes.size !== 1) return null;
  const [inode] = inodes;
  const watchers = server.pids.filter((pid) => readOpenSockets(pid)?.watched?.has(inode!));
  return watchers.length === 1 ? watchers[0]! : null;
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone: there is nobody to stop or to go on.
  }
}

function verdictOf({ verdict }: Diagnosis) {
  const { culprit, confidence, headline } = verdict;
  return { culprit, confidence, headline };
}
