import type { Experiment } from './experiment.ts';
import { runPlantedFault } from './planted-fault.ts';

/** A server that waits for its disk within the loop. */
export const syncWrite = {
  name: 'sync-write',
  summary: 'a handler that writes 16 MB and waits for the disk, every 150th request',
  takes: ['duration'],
  run: (context) =>
    runPlantedFault(
      {
        name: 'sync-write',
        story: 'one handler writes 16 MB and calls fsync every 150th request',
        fault: 'fsync:16MB/150',
        expected: ['io.fsync', 'io.disk'],
        ratePerSec: 500,
        connectionCount: 50,
        durationNs: 10e9,
      },
      context,
    ),
} satisfies Experiment;
