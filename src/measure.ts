/**
 * One measurement as one Run: load, observation, or both at once. The observer runs on this thread and the load on
 * worker threads, so that neither waits for the other.
 */
import type { Target } from './base/address.ts';
import { type Clock, createClock } from './base/clock.ts';
import { LoopscopeError } from './base/errors.ts';
import { type LoadHandle, type LoadOptions, startLoad } from './drive/drive.ts';
import { readEnvironment } from './environment.ts';
import { probeLoopCapabilities } from './kernel/features.ts';
import type { ObservationHandle } from './observe/observe.ts';
import type { ObserveOptions } from './observe/tiers/tier.ts';
import type { Stall } from './record/observation.ts';
import { type Capability, RUN_FORMAT_VERSION, type Run, type RunHeader } from './record/run.ts';
import { VERSION } from './version.ts';

export type MeasureOptions = {
  /** What to drive; null watches live traffic only. */
  load: (Omit<LoadOptions, 'clock' | 'onProgress' | 'target'> & { target: Target }) | null;
  /** What to watch; null drives load only. */
  observe:
    | (Pick<
        ObserveOptions,
        'budgetNs' | 'tier' | 'armed' | 'findPids' | 'live' | 'cpuBudgetShare' | 'ringBytes' | 'windowNs'
      > & { pids: number[] })
    | null;
  /** Length of a run without load, ns, or Infinity: until the signal; with load the plan's duration rules. */
  durationNs: number;
  /** The command line as typed, kept in the run. */
  command: string[];
  /** Ends the run early; what was measured until then is returned. */
  signal?: AbortSignal;
  /** Called about four times a second. */
  onProgress?: (progress: MeasureProgress) => void;
  onStall?: (stall: Stall) => void;
};

export type MeasureProgress = {
  elapsedNs: number;
  durationNs: number;
  load: ReturnType<LoadHandle['progress']> | null;
  /** Null when no process is watched. */
  stallCount: number | null;
};

/** Time the loops are watched before load starts: the quiet baseline, and time for the probes to settle. */
const OBSERVER_LEAD_NS = 300e6;
const PROGRESS_EVERY_MS = 250;
const LOOK_FOR_END_MS = 400;
/** A service that is started anew bears the same name: so long it is waited for. */
const COMES_BACK_NS = 5e9;
/** setTimeout() takes 2^31 ms, 24 days, at most. */
const TIMEOUT_LIMIT_MS = 2 ** 31 - 1;

/** Runs the measurement to its end, or to the signal. Throws LoopscopeError when nothing could be measured. */
export async function measure(options: MeasureOptions): Promise<Run> {
  if (options.load === null && options.observe === null) {
    throw new LoopscopeError('USAGE', 'nothing to do: no target and no process given');
  }
  const clock = createClock();
  options.observe?.live?.onBegin?.(clock.startWallMs);
  let stallCount = 0;
  const end = endOfWatched(options.observe?.findPids && !options.load ? COMES_BACK_NS : 0);
  using observation = await beginObservation(options, clock, {
    onPoll: end.look,
    onStall(stall) {
      stallCount++;
      options.onStall?.(stall);
    },
  });
  if (observation && options.load) await sleepNs(OBSERVER_LEAD_NS, options.signal);

  const load = options.load ? startLoad({ ...options.load, clock }) : null;
  const durationNs = options.load?.durationNs ?? options.durationNs;
  const beganNs = clock.nowNs();
  const progress =
    options.onProgress &&
    setInterval(() => {
      options.onProgress?.({
        elapsedNs: clock.nowNs() - beganNs,
        durationNs,
        load: load?.progress() ?? null,
        stallCount: observation ? stallCount : null,
      });
    }, PROGRESS_EVERY_MS);
  const interrupt = () => load?.stop('interrupted');
  options.signal?.addEventListener('abort', interrupt, { once: true });
  try {
    // When every watched process is gone there is nothing left to learn.
    if (load) void end.came.then(() => load.stop('the watched process ended'));
    const loadRecord = load ? await load.done : null;
    if (!load) await sleepUnless(end.came, durationNs, options.signal);
    const observationRecord = observation?.stop() ?? null;
    return {
      header: runHeader(options, clock, [...probeLoopCapabilities(), ...(observation?.capabilities ?? [])]),
      load: loadRecord,
      observation: observationRecord,
      complete: true,
    };
  } finally {
    clearInterval(progress);
    options.signal?.removeEventListener('abort', interrupt);
  }
}

async function beginObservation(
  options: MeasureOptions,
  clock: Clock,
  hooks: Pick<ObserveOptions, 'onStall' | 'onPoll'>,
): Promise<(ObservationHandle & Disposable) | null> {
  if (options.observe === null) return null;
  // Half of our code: left out of what a load alone has to start.
  const { startObservation } = await import('./observe/observe.ts');
  return startObservation({ ...options.observe, clock, selfPids: [process.pid], ...hooks });
}

/** `came` resolves when none of the watched processes lives any more, and none came back within the grace. */
function endOfWatched(graceNs: number) {
  const { promise: came, resolve } = Promise.withResolvers<void>();
  let goneMs: number | null = null;
  let nextMs = 0;
  const look = (observation: Pick<ObservationHandle, 'allGone'>) => {
    const now = performance.now();
    if (now < nextMs) return;
    nextMs = now + LOOK_FOR_END_MS;
    goneMs = observation.allGone() ? (goneMs ?? now) : null;
    if (goneMs !== null && now - goneMs >= graceNs / 1e6) resolve();
  };
  return { came, look };
}

function runHeader(options: MeasureOptions, clock: Clock, capabilities: Capability[]): RunHeader {
  return {
    format: 'loopscope-run',
    version: RUN_FORMAT_VERSION,
    loopscopeVersion: VERSION,
    command: options.command,
    mode: options.load ? (options.observe ? 'doctor' : 'load') : options.observe ? 'watch' : 'load',
    startedWallMs: clock.startWallMs,
    startMonoNs: String(clock.startMonoNs),
    environment: readEnvironment(),
    capabilities,
    selfPids: [process.pid],
    watchedPids: options.observe?.pids ?? [],
  };
}

/** Its timer ends with it: one for days would keep the process. */
async function sleepUnless(other: Promise<void>, ns: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  await Promise.race([sleepNs(ns, either), other]);
  over.abort();
}

function sleepNs(ns: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    let leftMs = ns / 1e6;
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      if (leftMs <= 0) return end();
      const stepMs = Math.min(TIMEOUT_LIMIT_MS, leftMs);
      leftMs -= stepMs;
      timer = setTimeout(wait, stepMs);
    };
    wait();
    signal?.addEventListener('abort', end, { once: true });
  });
}
