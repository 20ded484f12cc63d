import type { Experiment } from './experiment.ts';
import { runPlantedFault } from './planted-fault.ts';

/** A server whose loop waits for a lock that another of its threads holds. */
export const heldLock = {
  name: 'held-lock',
  summary: 'a handler that waits for a lock another thread holds for 30 ms, every 150th request',
  takes: ['duration'],
  run: (context) =>
    runPlantedFault(
      {
        name: 'held-lock',
        story: 'one handler waits for a lock that another thread holds for 30 ms, every 150th request',
        fault: 'lock:30ms/150',
        // With io_uring every request that arrives interrupts the wait for a moment, which hides who ends it.
        backend: 'epoll',
        expected: ['block.lock'],
        ratePerSec: 1000,
        connectionCount: 50,
        durationNs: 10e9,
      },
      context,
    ),
} satisfies Experiment;
