/** The body of the thread that checks upstreams. It turns its loop until it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { createMonotonicClock } from '../../../../kernel/clock.ts';
import { createLoop } from '../../../../loop/registry.ts';
import { mapSharedRows, type RowsPlace } from '../rows/shared-rows.ts';
import type { CheckSettings } from './check-settings.ts';
import { Checker } from './checker.ts';

export type CheckerThreadInput = {
  /** Tells a thread of ours from any other that happens to import this file. */
  kind: 'loopscope checks';
  place: RowsPlace;
  settings: CheckSettings;
  /** A word that turns from 0 when the thread is to end. */
  stop: SharedArrayBuffer;
};

function check({ place, settings, stop }: CheckerThreadInput): void {
  const word = new Int32Array(stop);
  const { nowNs } = createMonotonicClock();
  using shared = mapSharedRows(place);
  using checker = new Checker({
    rows: shared.rows,
    settings,
    nowNs,
    // Its thousands of short connections are no work for a ring's fixed tables.
    createLoop: (options) => createLoop(options, 'epoll'),
  });
  parentPort?.postMessage('ready');
  while (Atomics.load(word, 0) === 0) checker.loop.turn();
}

const input = workerData as CheckerThreadInput | null;
if (input?.kind === 'loopscope checks') check(input);
