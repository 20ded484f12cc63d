/** Runs a known program while it is traced, from before its steps to after them. For tests only. */
import type { TraceOptions } from '../session.ts';
import { type KnownProgram, startKnown } from './known-calls.ts';

/** Waiting programs are given this long to be where they wait. */
const SETTLE_MS = 30;

type RunOptions = {
  cpu?: number;
  follow?: boolean;
  around?: (program: KnownProgram, run: () => Promise<void>) => Promise<void>;
};

const TRIES = 5;

/**
 * `trace` is called with options that end it once the steps are done. The kernel skips a program's run where another run
 * of it was preempted on that CPU, and counts it: then all is done again.
 */
export async function tracedRun<T extends { losses: { skipped: number } }>(
  steps: string[],
  trace: (options: TraceOptions) => Promise<T>,
  options: RunOptions = {},
): Promise<T> {
  for (let i = 1; ; i++) {
    const result = await tracedOnce(steps, trace, options);
    if (result.losses.skipped === 0 || i === TRIES) return result;
  }
}

async function tracedOnce<T>(
  steps: string[],
  trace: (options: TraceOptions) => Promise<T>,
  options: RunOptions,
): Promise<T> {
  const { follow = true, cpu, around = (_program, run) => run() } = options;
  await using program = await startKnown(steps, cpu === undefined ? {} : { cpu });
  await settle();
  const done = new AbortController();
  let failure: unknown;
  const work = async () => {
    try {
      await around(program, () => program.run());
      await settle();
    } catch (error) {
      failure = error;
    }
    done.abort();
  };
  let working: Promise<void> | undefined;
  const result = await trace({
    subject: 'known-calls',
    pids: [program.pid],
    follow,
    durationNs: 20e9,
    signal: done.signal,
    onStart: () => {
      working = work();
    },
  });
  await working;
  if (failure !== undefined) throw failure;
  return result;
}

export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
