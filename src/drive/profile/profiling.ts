/** Profiles the load threads in the best way that this machine allows. */

import { openThreadSamples } from '../../kernel/perf/perf-samples.ts';
import { gettid } from '../../kernel/process.ts';
import { type ClientProfile, PROFILE_RATE_PER_SEC, type ProfileStack } from './client-profile.ts';
import { PerfProfiler } from './perf-profiler.ts';

export type Profiling = {
  /** The threads have to profile themselves. */
  readonly inspects: boolean;
  /** Begins to sample these threads. */
  start(tids: readonly number[]): void;
  /** `inspected`: what the threads saw of themselves. */
  finish(inspected: readonly (readonly ProfileStack[] | null)[]): ClientProfile;
  [Symbol.dispose](): void;
};

/** Before the load threads begin: V8 has to keep the names of what it compiles for them. */
export function prepareProfiling(): Profiling {
  const withKernel = isAllowed(true);
  if (!withKernel && !isAllowed(false)) return inspecting;
  const profiler = new PerfProfiler(withKernel);
  profiler.prepare();
  return {
    inspects: false,
    start: (tids) => profiler.start(tids),
    finish: () => profiler.finish(),
    [Symbol.dispose]: () => profiler[Symbol.dispose](),
  };
}

function isAllowed(withKernel: boolean): boolean {
  const samples = openThreadSamples(gettid(), PROFILE_RATE_PER_SEC, withKernel);
  if (typeof samples === 'number') return false;
  samples[Symbol.dispose]();
  return true;
}

const inspecting: Profiling = {
  inspects: true,
  start() {},
  finish(inspected) {
    const stacks = inspected.flatMap((each) => each ?? []);
    return {
      source: 'inspector',
      ratePerSec: PROFILE_RATE_PER_SEC,
      sampleCount: stacks.reduce((sum, { count }) => sum + count, 0),
      lostCount: 0,
      readNs: 0,
      nameNs: 0,
      unseen:
        'native code and the kernel are one frame, (program): perf events take root, or kernel.perf_event_paranoid at 2 or less',
      stacks,
    };
  },
  [Symbol.dispose]() {},
};
