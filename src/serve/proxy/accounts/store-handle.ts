/** This side of the thread that writes accounts: one batch under way at a time, and another thread when one dies. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LoopscopeError } from '../../../base/errors.ts';
import type { Batch } from './batch.ts';
import type { SpentBefore } from './read-spent.ts';
import type { StoreAnswer, StoreThreadInput } from './store-thread.ts';

export type StoreEvents = {
  settled(sequence: number): void;
  /** It is not known whether the batch was written: it is to be sent again, with the same number. */
  failed(message: string, hint: string): void;
};

export type StoreHandle = {
  /** What users had moved before. */
  readonly spent: readonly SpentBefore[];
  /** Whether a batch is under way. */
  readonly isBusy: boolean;
  send(batch: Batch): void;
  /** Resolves when the thread has ended; a batch under way may be written or not. */
  end(): Promise<void>;
};

/** Opens the file, or makes it. Throws ACCOUNTS when that cannot be. */
export async function openStore(path: string, wallMs: number, events: StoreEvents): Promise<StoreHandle> {
  let isBusy = false;
  let thread: Worker | null = null;
  const hear = (answer: StoreAnswer) => {
    if (answer.kind === 'ready') return;
    isBusy = false;
    if (answer.kind === 'settled') events.settled(answer.sequence);
    else if (answer.sequence > 0) events.failed(answer.message, answer.hint);
  };
  const start = () => {
    const started = startThread({ path, wallMs });
    started.on('message', hear);
    started.on('error', () => {});
    started.on('exit', () => {
      if (thread !== started) return;
      thread = null;
      if (isBusy)
        events.failed(`accounts in ${path}: the thread that writes them died`, 'it is started again');
      isBusy = false;
    });
    return started;
  };
  thread = start();
  const spent = await firstAnswer(thread, path);
  return {
    spent,
    get isBusy() {
      return isBusy;
    },
    send(batch) {
      isBusy = true;
      thread ??= start();
      thread.postMessage(batch);
    },
    async end() {
      const ending = thread;
      thread = null;
      await ending?.terminate();
    },
  };
}

function firstAnswer(thread: Worker, path: string): Promise<SpentBefore[]> {
  return new Promise((resolve, reject) => {
    thread.once('message', (answer: StoreAnswer) => {
      if (answer.kind === 'ready') return resolve(answer.spent);
      const { message, hint } = answer as Extract<StoreAnswer, { kind: 'failed' }>;
      void thread.terminate();
      reject(new LoopscopeError('ACCOUNTS', message, hint));
    });
    thread.once('exit', () =>
      reject(new LoopscopeError('ACCOUNTS', `accounts in ${path}: the thread that writes them died`)),
    );
  });
}

function startThread(input: StoreThreadInput): Worker {
  // .ts in a clone, .js where it was installed.
  return new Worker(new URL(`store-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: input,
    name: 'loopscope accounts',
  });
}
