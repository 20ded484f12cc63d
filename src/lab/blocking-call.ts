import type { Experiment } from './experiment.ts';
import { runPlantedFault } from './planted-fault.ts';

/** A server that makes a blocking call within the loop. */
export const blockingCall = {
  name: 'blocking-call',
  summary: 'a handler that sleeps 30 ms in a system call, every 150th request',
  takes: ['duration'],
  run: (context) =>
    runPlantedFault(
      {
        name: 'blocking-call',
        story: 'one handler blocks for 30 ms in a system call every 150th request',
        fault: 'sleep:30ms/150',
        expected: ['block.synchronous-call'],
        ratePerSec: 1000,
        connectionCount: 50,
        durationNs: 10e9,
      },
      context,
    ),
} satisfies Experiment;
