/** The main job as functions: drive, watch, and name the culprit. */
import { parseTarget } from './base/address.ts';
import { LoopscopeError } from './base/errors.ts';
import { diagnose } from './diagnose/diagnose.ts';
import type { Diagnosis } from './diagnose/finding.ts';
import type { LoadOptions } from './drive/drive.ts';
import { findProcesses } from './find-process.ts';
import { type MeasureOptions, measure } from './measure.ts';
import type { ObserveOptions } from './observe/observe.ts';
import type { Run } from './record/run.ts';

type Shared = Partial<Pick<MeasureOptions, 'command' | 'signal' | 'onProgress' | 'onStall'>> & {
  durationNs?: number;
};
type LoadChoices = Partial<Omit<LoadOptions, 'target' | 'clock' | 'onProgress' | 'durationNs'>>;
type ObserveChoices = Partial<Pick<ObserveOptions, 'budgetNs' | 'tier' | 'armed'>>;

/** `target` as typed; `process` is a pid, a name or ":port". At least one of the two. */
export type DoctorOptions = Shared &
  LoadChoices &
  ObserveChoices & { target?: string; process?: string | number };

export type DoctorResult = { run: Run; diagnosis: Diagnosis };

const DEFAULT_DURATION_NS = 10e9;
/** Enough to see a loop at work, too little to hurt one. */
export const DEFAULT_RATE_PER_SEC = 1000;

/** Drives `target`, or listens to live traffic when there is none, while watching `process`; then names the culprit. */
export async function doctor(options: DoctorOptions): Promise<DoctorResult> {
  const run = await measure(measureOptions(options));
  return { run, diagnosis: diagnose(run) };
}

/** Drives a target. Without `ratePerSec` the loop is closed: as fast as replies come. */
export async function load(options: DoctorOptions & { target: string }): Promise<Run> {
  const arrival = options.arrival ?? (options.ratePerSec ? 'poisson' : 'closed');
  return measure(measureOptions({ ...options, arrival, process: undefined }));
}

/** Watches a process without sending it anything. */
export async function watch(options: Shared & ObserveChoices & { process: string | number }): Promise<Run> {
  return measure(measureOptions(options));
}

function measureOptions(options: DoctorOptions): MeasureOptions {
  const durationNs = options.durationNs ?? DEFAULT_DURATION_NS;
  const {
    target,
    arrival = 'poisson',
    ratePerSec = arrival === 'closed' ? null : DEFAULT_RATE_PER_SEC,
  } = options;
  if (target === undefined && options.process === undefined) {
    throw new LoopscopeError(
      'USAGE',
      'neither a target to drive nor a process to watch',
      'give a target, --pid, or both',
    );
  }
  return {
    load:
      target === undefined
        ? null
        : {
            target: parseTarget(target),
            durationNs,
            arrival,
            ratePerSec,
            connectionCount: options.connectionCount ?? 50,
            threadCount: options.threadCount ?? 1,
            timeoutNs: options.timeoutNs ?? 2e9,
            seed: options.seed ?? 1,
            backend: options.backend ?? 'auto',
            ...(options.warmupNs === undefined ? {} : { warmupNs: options.warmupNs }),
          },
    observe:
      options.process === undefined
        ? null
        : {
            pids: findProcesses(String(options.process)),
            tier: options.tier ?? 'auto',
            armed: options.armed ?? 'auto',
            ...(options.budgetNs === undefined ? {} : { budgetNs: options.budgetNs }),
          },
    durationNs,
    command: options.command ?? [],
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.onStall && { onStall: options.onStall }),
  };
}
