/** The body of the thread that reads logs: from files to the rings of the load threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { openReplay } from '../../plan/replay/open-replay.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import type { ReplayProgress } from '../../plan/replay/replay-reader.ts';
import type { ReplaySummary } from '../../plan/replay/replay-summary.ts';
import type { RingMemory } from '../replay/ring-memory.ts';
import { RingSink } from '../replay/ring-sink.ts';
import { type ThreadError, threadError } from './thread-error.ts';

export type ReaderInput = {
  /** Tells a thread of ours from any other that happens to import this file. */
  kind: 'loopscope replay';
  options: ReplayOptions;
  rings: readonly RingMemory[];
};

export type ReaderMessage =
  /** A first request is there, or the logs have none; the first such message counts. */
  | { kind: 'flowing'; hasFirst: boolean }
  | { kind: 'progress'; progress: ReplayProgress }
  | { kind: 'done'; summary: ReplaySummary; tooLongCount: number }
  | { kind: 'failed'; error: ThreadError };

const PROGRESS_EVERY_MS = 250;

function post(message: ReaderMessage): void {
  parentPort!.postMessage(message);
}

async function read({ options, rings }: ReaderInput): Promise<void> {
  const stopped = new AbortController();
  // The one message that comes: nothing more is needed.
  parentPort!.once('message', () => stopped.abort());
  const sink = new RingSink(rings, stopped.signal, () => post({ kind: 'flowing', hasFirst: true }));
  try {
    const reader = await openReplay(options, stopped.signal);
    const telling = setInterval(
      () => post({ kind: 'progress', progress: reader.progress() }),
      PROGRESS_EVERY_MS,
    );
    try {
      const summary = await reader.pump(sink, stopped.signal);
      post({ kind: 'progress', progress: reader.progress() });
      post({ kind: 'flowing', hasFirst: false });
      post({ kind: 'done', summary, tooLongCount: sink.tooLongCount });
    } finally {
      clearInterval(telling);
      await reader.close();
    }
  } finally {
    sink.end();
    parentPort!.removeAllListeners('message');
  }
}

if (parentPort !== null && (workerData as ReaderInput | null)?.kind === 'loopscope replay') {
  read(workerData as ReaderInput).catch((error) => {
    const { code, message, hint } = threadError(error, 'the thread that reads logs');
    post({ kind: 'failed', error: { code, message, hint } });
  });
}
