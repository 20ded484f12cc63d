import type { Worker } from 'node:worker_threads';
import { LoopscopeError } from '../base/errors.ts';
import type { ThreadMessage } from './thread/load-thread.ts';
import { type ThreadError, threadError } from './thread/thread-error.ts';

/** Waits for messages of a thread by kind; a failed or vanished thread rejects whoever waits. */
export class ThreadMessages {
  readonly #arrived: ThreadMessage[] = [];
  readonly #exit = Promise.withResolvers<void>();
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(worker: Worker) {
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'failed') this.#fail(fromThreadError(message.error));
      else this.#arrived.push(message);
      this.#wake();
    });
    worker.on('error', (error) => this.#fail(threadError(error)));
    worker.on('exit', () => {
      this.#fail(new LoopscopeError('INTERNAL', 'a load thread ended without a result'));
      this.#exit.resolve();
    });
  }

  /** Resolves when the thread has ended, or after a time. */
  async exited(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([this.#exit.promise, limit]);
    clearTimeout(timer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  async wait<K extends ThreadMessage['kind']>(kind: K): Promise<Extract<ThreadMessage, { kind: K }>> {
    for (;;) {
      const index = this.#arrived.findIndex((message) => message.kind === kind);
      if (index >= 0) return this.#arrived.splice(index, 1)[0] as Extract<ThreadMessage, { kind: K }>;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function fromThreadError(error: ThreadError): LoopscopeError {
  return new LoopscopeError(error.code, error.message, error.hint);
}
