/** The thread that reads logs for a replay, as the main thread sees it: started, waited for, stopped. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LoopscopeError } from '../base/errors.ts';
import type { ReplayOptions } from '../plan/replay/replay-options.ts';
import type { ReplayProgress } from '../plan/replay/replay-reader.ts';
import type { ReplaySummary } from '../plan/replay/replay-summary.ts';
import { createRing, type RingMemory } from './replay/ring-memory.ts';
import type { ReaderInput, ReaderMessage } from './thread/reader-thread.ts';
import { threadError } from './thread/thread-error.ts';
import { fromThreadError } from './thread-messages.ts';

const READER = 'the thread that reads logs';

export class ReplayFeed {
  /** One for each load thread. */
  readonly rings: readonly RingMemory[];
  /** How far reading has come; null before anything was read. */
  progress: ReplayProgress | null = null;
  readonly #worker: Worker;
  readonly #flowing = Promise.withResolvers<boolean>();
  readonly #summary = Promise.withResolvers<ReplaySummary>();

  constructor(options: ReplayOptions, threadCount: number) {
    this.rings = Array.from({ length: threadCount }, () => createRing(threadCount));
    const workerData: ReaderInput = { kind: 'loopscope replay', options, rings: this.rings };
    // .ts in a clone, .js where it was installed.
    const body = new URL(`thread/reader-thread${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(body, {
      workerData,
      name: 'loopscope replay',
      // What is read is soon dropped: a small nursery keeps memory flat, and costs nothing that could be measured.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.on('message', (message: ReaderMessage) => this.#hear(message));
    this.#worker.on('error', (error) => this.#fail(threadError(error, READER)));
    this.#worker.on('exit', () =>
      this.#fail(new LoopscopeError('INTERNAL', `${READER} ended without a result`)),
    );
    // Told where they are waited for.
    this.#flowing.promise.catch(() => {});
    this.#summary.promise.catch(() => {});
  }

  /** True as soon as the first request is there, false when the logs have none. Rejects as openReplay() does. */
  get flowing(): Promise<boolean> {
    return this.#flowing.promise;
  }

  /** Nothing more is needed of it: resolves with the account of what was read. */
  async end(): Promise<ReplaySummary> {
    this.stop();
    return this.#summary.promise;
  }

  /** Reading ends where it is. */
  stop(): void {
    this.#worker.postMessage('stop');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #hear(message: ReaderMessage): void {
    if (message.kind === 'flowing') this.#flowing.resolve(message.hasFirst);
    else if (message.kind === 'progress') this.progress = message.progress;
    else if (message.kind === 'done') this.#summary.resolve(withoutTooLong(message));
    else this.#fail(fromThreadError(message.error));
  }

  #fail(error: LoopscopeError): void {
    this.#flowing.reject(error);
    this.#summary.reject(error);
  }
}

/** Requests that no ring can hold were handed over by the reader, and are left out all the same. */
function withoutTooLong({ summary, tooLongCount }: Extract<ReaderMessage, { kind: 'done' }>): ReplaySummary {
  if (tooLongCount === 0) return summary;
  return {
    ...summary,
    requestCount: summary.requestCount - tooLongCount,
    leftOut: [...summary.leftOut, { why: 'too long to be sent', count: tooLongCount }],
  };
}
