/** What signals mean to a server, and its counters as lines. */
import { EXIT } from '../../base/errors.ts';
import type { WorkerStats } from '../../serve/stats.ts';

export type Signals = {
  readonly stop: AbortSignal;
  abort(): void;
  onStats(): void;
  onReload(): void;
  [Symbol.dispose](): void;
};

/** SIGINT and SIGTERM stop in good order, a second one at once; SIGHUP reloads; SIGUSR1 asks for the counters. */
export function listenForSignals(): Signals {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.failed);
    controller.abort();
  };
  const signals: Signals = {
    stop: controller.signal,
    abort: stop,
    onStats() {},
    onReload: stop,
    [Symbol.dispose]() {
      for (const [name, listener] of Object.entries(listeners)) process.off(name, listener);
    },
  };
  const listeners: Record<string, () => void> = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGHUP: () => signals.onReload(),
    SIGUSR1: () => signals.onStats(),
  };
  for (const [name, listener] of Object.entries(listeners)) process.on(name, listener);
  return signals;
}

export function printStats(stats: WorkerStats[]): void {
  for (const row of stats) process.stdout.write(`${JSON.stringify(row)}\n`);
}
