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
import { type ObservationHandle, type ObserveOptions, startObservation } from './observe/observe.ts';
import type { Stall } from './record/observation.ts';
import { type Capability, RUN_FORMAT_VERSION, type Run, type RunHeader } from './record/run.ts';
import { VERSION } from './version.ts';

export type MeasureOptions = {
  /** What to drive; null watches live traffic only. */
  load: (Omit<LoadOptions, 'clock' | 'onProgress' | 'target'> & { target: Target }) | null;
  /** What to watch; null drives load only. */
  observe: (Pick<ObserveOptions, 'budgetNs' | 'tier' | 'armed'> & { pids: number[] }) | null;
  /** Length of a run without load, ns; with load the plan's duration rules. */
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

/** Runs the measurement to its end, or to the signal. Throws LoopscopeError when nothing could be measured. */
export async function measure(options: MeasureOptions): Promise<Run> {
  if (options.load === null && options.observe === null) {
    throw new LoopscopeError('USAGE', 'nothing to do: no target and no process given');
  }
  const clock = createClock();
  let stallCount = 0;
  using observation = beginObservation(options, clock, (stall) => {
    stallCount++;
    options.onStall?.(stall);
  });
  if (observation && options.load) await sleepNs(OBSERVER_LEAD_NS, options.signal);

  const load = options.load ? startLoad({ ...options.load, clock }) : null;
  const durationNs = options.load?.durationNs ?? options.durationNs;
  const beganNs = clock.nowNs();
  const progress = setInterval(() => {
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
    const watchedEnd = observation ? watchForEnd(observation, options.observe!.pids, load) : null;
    const loadRecord = load ? await load.done : null;
    if (!load) await Promise.race([sleepNs(durationNs, options.signal), watchedEnd!.allGone]);
    watchedEnd?.cancel();
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

function beginObservation(
  options: MeasureOptions,
  clock: Clock,
  onStall: (stall: Stall) => void,
): (ObservationHandle & Disposable) | null {
  if (options.observe === null) return null;
  return startObservation({ ...options.observe, clock, selfPids: [process.pid], onStall });
}

/** When every watched process is gone there is nothing left to learn: the load is stopped too. */
function watchForEnd(observation: ObservationHandle, pids: number[], load: LoadHandle | null) {
  let timer: NodeJS.Timeout | undefined;
  const allGone = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (!pids.every((pid) => observation.hasExited(pid))) return;
      load?.stop('the watched process ended');
      resolve();
    }, 100);
  });
  return { allGone, cancel: () => clearInterval(timer) };
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

function sleepNs(ns: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ns / 1e6);
    signal?.addEventListener('abort', end, { once: true });
  });
}
