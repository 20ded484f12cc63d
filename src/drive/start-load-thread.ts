import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ThreadInput } from './thread/load-thread.ts';

/** Starts a load thread. Its body is not imported here: the loop and what it needs are of no use to the main thread. */
export function startLoadThread(input: ThreadInput): Worker {
  // .ts in a clone, .js where it was installed.
  return new Worker(new URL(`thread/load-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: input,
    name: `loopscope load ${input.threadIndex}`,
  });
}
