/** Rates one after another on an agent that has a CPU of its own: what a request costs, and where it ends. */
import { parseTarget } from '../../base/address.ts';
import { createClock } from '../../base/clock.ts';
import { startLoad } from '../../drive/drive.ts';
import type { CountedServer } from '../counted-server.ts';

export type LadderStep = {
  ratePerSec: number;
  answeredPerSec: number;
  planned: number;
  ok: number;
  timeouts: number;
  /** Everything planned was answered, in time and right. */
  held: boolean;
  /** Of the agent's core. */
  cpuShare: number;
  cpuNsPerRequest: number;
  requestsPerWakeUp: number;
  /** Of the client's core: near 1 the client is the limit. */
  clientShare: number;
};

export type LadderOptions = {
  ratesPerSec: readonly number[];
  stepNs: number;
  connectionCount: number;
  timeoutNs: number;
  /** After two steps in a row that were not held there is no more to learn. */
  onStep?: (step: LadderStep) => void;
  signal: AbortSignal;
};

const WARM_UP_NS = 500e6;
/** An agent that has just started compiles its code: this long it is only warmed. */
const FIRST_WARM_UP_NS = 1.5e9;
const FIRST_WARM_UP_RATE = 50_000;

export async function climb(server: CountedServer, options: LadderOptions): Promise<LadderStep[]> {
  const steps: LadderStep[] = [];
  await runStep(server, { ...options, stepNs: FIRST_WARM_UP_NS }, FIRST_WARM_UP_RATE);
  let missedInARow = 0;
  for (const ratePerSec of options.ratesPerSec) {
    if (options.signal.aborted || missedInARow === 2) break;
    const step = await runStep(server, options, ratePerSec);
    steps.push(step);
    options.onStep?.(step);
    missedInARow = step.held ? 0 : missedInARow + 1;
  }
  return steps;
}

/**
 * The highest rate that was held; null when none was. A step below it may have missed some to a hiccup of the machine: its
 * row says so.
 */
export function limitOf(steps: readonly LadderStep[]): number | null {
  return steps.findLast(({ held }) => held)?.ratePerSec ?? null;
}

async function runStep(
  server: CountedServer,
  options: LadderOptions,
  ratePerSec: number,
): Promise<LadderStep> {
  const [before] = await server.counters();
  const load = startLoad({
    clock: createClock(),
    target: parseTarget(server.target),
    arrival: 'poisson',
    ratePerSec,
    connectionCount: options.connectionCount,
    threadCount: 1,
    durationNs: options.stepNs,
    warmupNs: Math.min(WARM_UP_NS, options.stepNs / 4),
    timeoutNs: options.timeoutNs,
    seed: 1,
    backend: 'auto',
  });
  const stop = () => load.stop('interrupted');
  options.signal.addEventListener('abort', stop, { once: true });
  const record = await load.done.finally(() => options.signal.removeEventListener('abort', stop));
  const [after] = await server.counters();
  const requests = Math.max(1, after!.stats.requests - before!.stats.requests);
  const cpuNs = after!.cpuNs - before!.cpuNs;
  const { counts, client } = record;
  const wallNs = record.endNs - record.startNs;
  const thread = client.threads[0]!;
  return {
    ratePerSec,
    answeredPerSec: (counts.ok / wallNs) * 1e9,
    planned: counts.planned,
    ok: counts.ok,
    timeouts: counts.timeout,
    held: counts.planned > 0 && counts.ok === counts.planned,
    cpuShare: cpuNs / wallNs,
    cpuNsPerRequest: cpuNs / requests,
    requestsPerWakeUp: requests / Math.max(1, after!.stats.cycles - before!.stats.cycles),
    clientShare: Math.max(0, thread.userNs + thread.systemNs - thread.spinNs) / client.wallNs,
  };
}
