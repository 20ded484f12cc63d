/** What the herd experiment found. Plain values: printed as they are by --json. */
import type { Confidence, CulpritId } from '../../diagnose/finding.ts';
import type { HerdPlan } from './plan.ts';

export type HerdResult = {
  experiment: 'herd';
  plan: HerdPlan;
  machine: { cpuModel: string; cpuCount: number; kernel: string };
  strategies: StrategyResult[];
  /** The incident, seconds. */
  original: { sharedSec: number; reuseportSec: number };
};

export type StrategyResult = {
  accept: string;
  backend: 'ring' | 'epoll';
  rush: PhaseResult & { wallNs: number };
  trickle: PhaseResult;
  stop: StopResult;
  verdict: { culprit: CulpritId; confidence: Confidence; headline: string };
};

/** The workers over one phase: the counters they kept themselves, and the kernel's. */
export type PhaseResult = {
  connections: number;
  answered: number;
  failed: number;
  cpuNsPerConnection: number;
  /** Times a worker was woken, whatever came of it. */
  wakeUpsPerConnection: number;
  cyclesPerConnection: number;
  /** First accepts of a cycle that found nobody (EAGAIN), of all first accepts. Null: made no accept calls (ring). */
  failedAcceptShare: number | null;
  /** Wake-ups that came to nothing: failed accepts, and those that the kernel turned back; of all. */
  vainShare: number | null;
  /** Busiest worker's connections over the mean. */
  balance: number;
  perWorker: number[];
};

export type StopResult = {
  pid: number;
  /** Why this worker: it "had most connections", or "held the accept lock". */
  chosen: string;
  stoppedNs: number;
  sent: number;
  /** New connections that waited for more than a quarter of a second for their reply. */
  stranded: number;
  slowestNs: number;
  verdict: { culprit: CulpritId; confidence: Confidence; headline: string };
};
