/**
 * The thread that writes accounts, and the only one that touches their file: a disk that makes it wait makes nobody else
 * wait. Run as a worker thread; it answers each batch once.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { LoopscopeError } from '../../../base/errors.ts';
import type { Batch } from './batch.ts';
import { type SpentBefore, spentBefore } from './read-spent.ts';
import { accountsError, Store } from './store.ts';

export type StoreThreadInput = { path: string; wallMs: number };

export type StoreAnswer =
  | { kind: 'ready'; spent: SpentBefore[] }
  | { kind: 'settled'; sequence: number }
  | { kind: 'failed'; sequence: number; message: string; hint: string };

if (parentPort) {
  const port = parentPort;
  const { path, wallMs } = workerData as StoreThreadInput;
  const say = (answer: StoreAnswer) => port.postMessage(answer);
  const fail = (sequence: number, error: unknown) => {
    const { message, hint } = accountsError(path, error) as LoopscopeError;
    say({ kind: 'failed', sequence, message, hint });
  };
  let store: Store | null = null;
  port.on('message', (batch: Batch) => {
    try {
      // After a failure the file is opened anew: it may have been moved away, or its disk mounted again.
      store ??= new Store(path);
      store.write(batch);
      say({ kind: 'settled', sequence: batch.sequence });
    } catch (error) {
      fail(batch.sequence, error);
      closeQuietly(store);
      store = null;
    }
  });
  try {
    store = new Store(path);
    say({ kind: 'ready', spent: spentBefore(path, wallMs) });
  } catch (error) {
    fail(0, error);
  }
}

function closeQuietly(store: Store | null): void {
  try {
    store?.[Symbol.dispose]();
  } catch {
    // What it could not write is told by the batch's own failure.
  }
}
