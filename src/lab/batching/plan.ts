/** What the batching experiment does, and what the incident's team measured. */
import type { LoadChoices } from '../../doctor.ts';

export type Shape = {
  name: string;
  /** As one would type it. */
  how: string;
  load: LoadChoices;
  /** Between the load and the agent: nginx with a connection to the agent for each of its clients. */
  throughNginx: boolean;
};

export type BatchingPlan = {
  connectionCount: number;
  ratePerSec: number;
  shapeNs: number;
  shapes: readonly Shape[];
  /** More rates for the fit: without them events hardly vary. */
  fitRatesPerSec: readonly number[];
  fitNs: number;
  ladderRatesPerSec: readonly number[];
  ladderNs: number;
};

const CONNECTIONS = 120;
const RATE_PER_SEC = 2000;

/**
 * Lock step comes twice: as it is by definition, all connections at once, and as hand-written load tools fall into it, by
 * pausing equally long after each reply.
 */
export function shapesAt(ratePerSec: number): Shape[] {
  const thinkNs = (CONNECTIONS / ratePerSec) * 1e9;
  const rate = `--rate ${ratePerSec}`;
  const direct = { throughNginx: false };
  return [
    {
      name: 'lock-step',
      how: `--arrival synced ${rate}`,
      load: { arrival: 'synced', ratePerSec },
      ...direct,
    },
    {
      name: 'equal pauses',
      how: `--think-time ${thinkNs / 1e6}ms`,
      load: { arrival: 'closed', ratePerSec: null, thinkTime: { meanNs: thinkNs, jitterNs: 0 } },
      ...direct,
    },
    {
      name: 'jittered',
      how: `--arrival jitter:1ms ${rate}`,
      load: { arrival: 'jitter', arrivalParams: { byNs: 1e6 }, ratePerSec },
      ...direct,
    },
    {
      name: 'poisson',
      how: `--arrival poisson ${rate}`,
      load: { arrival: 'poisson', ratePerSec },
      ...direct,
    },
    {
      name: 'through nginx',
      how: `--arrival poisson ${rate}`,
      load: { arrival: 'poisson', ratePerSec },
      throughNginx: true,
    },
  ];
}

export function batchingPlan(quick: boolean): BatchingPlan {
  return {
    connectionCount: CONNECTIONS,
    ratePerSec: RATE_PER_SEC,
    shapeNs: quick ? 2e9 : 5e9,
    shapes: shapesAt(RATE_PER_SEC),
    fitRatesPerSec: quick ? [4000] : [1000, 4000],
    fitNs: quick ? 1.5e9 : 2.5e9,
    ladderRatesPerSec: quick
      ? [10_000, 50_000, 100_000]
      : [10_000, 20_000, 30_000, 50_000, 100_000, 140_000, 170_000, 200_000, 230_000, 260_000, 300_000],
    ladderNs: quick ? 1e9 : 3e9,
  };
}

/** The incident's figures: `strace -c -f` over 10 s at 2000 requests a second, and CPU of one core by rate. */
export const ORIGINAL = {
  waitCalls: { lockStep: 791, throughNginx: 18_869, jittered: 10_000 },
  receives: { lockStep: 20_046, throughNginx: 20_048 },
  overSec: 10,
  cpuShare: { lockStep: 0.02, jittered: 0.05, production: 0.05 },
  ladder: [
    [10_000, 0.06],
    [20_000, 0.11],
    [30_000, 0.17],
    [50_000, 0.34],
    [100_000, 0.7],
    [140_000, 0.97],
  ] as [ratePerSec: number, cpuShare: number][],
} as const;
