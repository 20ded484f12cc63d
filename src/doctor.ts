/** The main job as functions: drive, watch, and name the culprit. */
import { parseTarget } from './base/address.ts';
import { LoopscopeError } from './base/errors.ts';
import { diagnose } from './diagnose/diagnose.ts';
import type { Diagnosis } from './diagnose/finding.ts';
import type { LoadOptions } from './drive/drive.ts';
import { findProcesses, findProcessesAgain, isPid } from './find-process.ts';
import { type MeasureOptions, measure } from './measure.ts';
import type { ObserveOptions } from './observe/tiers/tier.ts';
import { durationOfRequests } from './plan/arrivals/schedule.ts';
import type { Run } from './record/run.ts';

type Shared = Partial<Pick<MeasureOptions, 'command' | 'signal' | 'onProgress' | 'onStall'>> & {
  durationNs?: number;
};
/** What a caller may choose about a load; what is left out has its default. */
export type LoadChoices = Partial<Omit<LoadOptions, 'target' | 'clock' | 'onProgress' | 'durationNs'>>;
type ObserveChoices = Partial<
  Pick<ObserveOptions, 'budgetNs' | 'tier' | 'armed' | 'live' | 'cpuBudgetShare' | 'windowNs'>
>;

/** A pid, a name, ":port", "cgroup:PATH" or "cmd:TEXT" (find-process.ts), or several of them. */
export type ProcessChoice = string | number | readonly (string | number)[];

/** `target` as typed. At least one of `target` and `process`. */
export type DoctorOptions = Shared &
  LoadChoices &
  ObserveChoices & { target?: string; process?: ProcessChoice };

export type DoctorResult = { run: Run; diagnosis: Diagnosis };

const DEFAULT_DURATION_NS = 10e9;
/** Enough to see a loop at work, too little to hurt one. */
export const DEFAULT_RATE_PER_SEC = 1000;

/** Drives `target`, or listens to live traffic when there is none, while watching `process`; then names the culprit. */
export async function doctor(options: DoctorOptions): Promise<DoctorResult> {
  const run = await driveAndWatch(options);
  return { run, diagnosis: diagnose(run) };
}

/** The same without the verdict. */
export async function driveAndWatch(options: DoctorOptions): Promise<Run> {
  return measure(measureOptions(options));
}

/** Drives a target. Without `ratePerSec` the loop is closed: as fast as replies come. */
export async function load(options: DoctorOptions & { target: string }): Promise<Run> {
  const arrival = options.arrival ?? (options.ratePerSec || options.stages ? 'poisson' : 'closed');
  return measure(measureOptions({ ...options, arrival, process: undefined }));
}

/** Watches processes without sending them anything; `durationNs: Infinity` until the signal or their end. */
export async function watch(options: Shared & ObserveChoices & { process: ProcessChoice }): Promise<Run> {
  return measure(measureOptions(options));
}

function measureOptions(options: DoctorOptions): MeasureOptions {
  const { target, process, budgetNs, tier, armed, live, cpuBudgetShare, windowNs, ...others } = options;
  const { command, signal, onProgress, onStall, ...choices } = others;
  const load = target === undefined ? null : { ...loadOptions(choices), target: parseTarget(target) };
  const durationNs = options.durationNs ?? (load && countedDurationNs(load)) ?? DEFAULT_DURATION_NS;
  if (target === undefined && process === undefined) {
    throw new LoopscopeError(
      'USAGE',
      'neither a target to drive nor a process to watch',
      'give a target, --pid, or both',
    );
  }
  return {
    load: load && { ...load, durationNs },
    observe:
      process === undefined
        ? null
        : {
            ...chosenProcesses(process),
            tier: tier ?? 'auto',
            armed: armed ?? 'auto',
            ...(budgetNs !== undefined && { budgetNs }),
            ...(live && { live }),
            ...(windowNs !== undefined && { windowNs }),
            ...(cpuBudgetShare !== undefined && { cpuBudgetShare }),
          },
    durationNs,
    command: command ?? [],
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(onStall && { onStall }),
  };
}

/** How long a run of so many requests may take; null when nobody counts. */
function countedDurationNs(load: ReturnType<typeof loadOptions>): number | null {
  const { requestLimit = null, arrivalParams = {}, stages = null } = load;
  return requestLimit && durationOfRequests(requestLimit, { ...load, arrivalParams, stages });
}

/** Whom the words mean now, and how to ask again: whoever bears a name may be somebody else in a minute. */
function chosenProcesses(choice: ProcessChoice): { pids: number[]; findPids?: () => number[] } {
  const words = (Array.isArray(choice) ? choice : [choice]).map(String);
  const pids = [...new Set(words.flatMap(findProcesses))];
  const lasting = words.filter((word) => !isPid(word));
  return lasting.length === 0 ? { pids } : { pids, findPids: () => lasting.flatMap(findProcessesAgain) };
}

/** What the caller chose, and the defaults for what every load needs. */
function loadOptions(choices: LoadChoices): Omit<LoadOptions, 'target' | 'clock' | 'durationNs'> {
  const arrival = choices.arrival ?? 'poisson';
  const unrated = arrival === 'closed' || (choices.stages ?? null) !== null;
  return {
    ...choices,
    arrival,
    ratePerSec: choices.ratePerSec ?? (unrated ? null : DEFAULT_RATE_PER_SEC),
    connectionCount: choices.connectionCount ?? 50,
    threadCount: choices.threadCount ?? 1,
    timeoutNs: choices.timeoutNs ?? 2e9,
    seed: choices.seed ?? 1,
    backend: choices.backend ?? 'auto',
  };
}
