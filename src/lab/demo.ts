import type { Experiment } from './experiment.ts';
import { runPlantedFault } from './planted-fault.ts';

/** What a newcomer runs first: about 15 seconds from a healthy-looking server to the name of what ails it. */
export const demo = {
  name: 'demo',
  summary: 'a handler that computes for too long, found in about 15 seconds',
  takes: ['duration'],
  run: (context) =>
    runPlantedFault(
      {
        name: 'demo',
        story: 'one handler computes for 25 ms every 150th request',
        fault: 'heavy:25ms/150',
        expected: ['loop.heavy-handler'],
        ratePerSec: 1000,
        connectionCount: 50,
        durationNs: 10e9,
      },
      context,
    ),
} satisfies Experiment;
