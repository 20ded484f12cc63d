import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RowsPlace } from '../rows/shared-rows.ts';
import type { CheckSettings } from './check-settings.ts';
import type { CheckerThreadInput } from './checker-thread.ts';

export type CheckerHandle = { [Symbol.asyncDispose](): Promise<void> };

/** Starts the one thread that checks. `onDeath`: it ended by itself, with what it said. */
export function startChecker(
  place: RowsPlace,
  settings: CheckSettings,
  onDeath: (why: string) => void,
): CheckerHandle {
  const stop = new SharedArrayBuffer(4);
  const workerData: CheckerThreadInput = { kind: 'loopscope checks', place, settings, stop };
  // .ts in a clone, .js where it was installed.
  const script = new URL(`checker-thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(script, { workerData, name: 'loopscope checks' });
  let isEnding = false;
  thread.on('error', (error: Error) => {
    if (!isEnding) onDeath(error.message);
  });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  return {
    async [Symbol.asyncDispose]() {
      isEnding = true;
      Atomics.store(new Int32Array(stop), 0, 1);
      await ended;
    },
  };
}
