/** The quiet run, as a replay of a log: every value of its part. */
import type { ReplayRecord } from '../../record/replay/replay.ts';
import { histogram, type Spread } from './quiet-values.ts';
import { quietRun, type RunBuilder } from './run-builder.ts';

/** About what Poisson arrivals at 2000 a second have. */
export const GAPS: Spread = [
  [0.1, 3600],
  [0.3, 5000],
  [0.6, 5000],
  [1, 3700],
  [2, 2700],
];

export function quietReplay(): ReplayRecord {
  return {
    log: {
      sources: ['access.log', 'access.log.1.gz'],
      sourceCount: 2,
      format: { name: 'nginx', why: 'fits 20 of the first 20 lines' },
      readCount: 20_110,
      requestCount: 20_000,
      refused: [
        {
          reason: 'no method and path in it',
          count: 10,
          firstLines: [
            { source: 0, line: 17 },
            { source: 1, line: 3 },
          ],
          example: '203.0.113.9 - - [x] "\\x16\\x03" 400',
        },
      ],
      skipped: [{ reason: 'a method that changes things: POST', count: 100 }],
      spanNs: 10e9,
      firstWallMs: 1_795_000_000_000,
      remarks: [],
    },
    clients: {
      session: 'ip:port',
      why: 'the log has addresses with ports',
      distinct: 50,
      atLimit: false,
      unknownCount: 0,
      waitedCount: 12,
      movedCount: 3,
      disorderedCount: 0,
    },
    schedule: {
      pace: 'speed',
      speed: 1,
      ratePerSec: null,
      from: null,
      to: null,
      roundCount: 1,
      grainNs: 1e6,
      spreadCount: 0,
      overflowCount: 0,
    },
    askedGaps: histogram(GAPS),
    starved: { count: 0, longestNs: 0 },
    routes: [{ name: 'GET /', logged: histogram([[0.1, 20_000]]) }],
    statusMatrix: [
      [200, 200, 19_990],
      [200, 304, 6],
      [404, 200, 4],
    ],
    sizes: {
      equal: 19_900,
      larger: 40,
      smaller: 30,
      unknown: 30,
      moreBytes: 4000,
      fewerBytes: 900,
      filledCount: 0,
    },
  };
}

/** A replay in which all is well; `change` plants what is not. */
export function replayedRun(change: (replay: ReplayRecord) => void = () => {}): RunBuilder {
  const builder = quietRun();
  const load = builder.run.load!;
  load.plan.arrival = 'replay';
  load.plan.ratePerSec = null;
  load.arrivals.gaps = { histogram: histogram(GAPS), lag1: 0 };
  load.arrivals.planned = { idc1ms: 1, idc10ms: 1, idc100ms: 1 };
  load.replay = quietReplay();
  change(load.replay);
  return builder;
}
