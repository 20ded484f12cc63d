/**
 * A lock that another thread holds for too long. Two words of shared memory: ROUND is raised by the loop's thread to
 * ask for one hold, DONE by the holder when it lets go; both threads sleep in futex(2) in between.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { Fault } from './fault.ts';

const ROUND = 0;
const DONE = 1;

type HolderData = { lockWords: Int32Array; holdMs: number };

export const lock = {
  name: 'lock',
  summary: 'waits for a lock that another thread holds that long',
  unit: 'duration',
  example: 'lock:30ms/100',
  plant(amountNs) {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const data: HolderData = { lockWords: words, holdMs: amountNs / 1e6 };
    const holder = new Worker(new URL(import.meta.url), { workerData: data, name: 'lock-holder' });
    holder.unref();
    return {
      hit() {
        const round = Atomics.add(words, ROUND, 1) + 1;
        Atomics.notify(words, ROUND);
        let done = Atomics.load(words, DONE);
        while (done !== round) {
          Atomics.wait(words, DONE, done);
          done = Atomics.load(words, DONE);
        }
      },
      [Symbol.dispose]: () => void holder.terminate(),
    };
  },
} satisfies Fault;

function holdForEver({ lockWords, holdMs }: HolderData): never {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  let round = 0;
  for (;;) {
    Atomics.wait(lockWords, ROUND, round);
    round++;
    Atomics.wait(nobody, 0, 0, holdMs);
    Atomics.store(lockWords, DONE, round);
    Atomics.notify(lockWords, DONE);
  }
}

if (!isMainThread && (workerData as HolderData | null)?.lockWords) holdForEver(workerData as HolderData);
