/** What the batching experiment found. Plain values: printed as they are by --json. */

import type { CpuFit, FitPoint } from '../../diagnose/facts/cpu-fit.ts';
import type { Confidence, CulpritId } from '../../diagnose/finding.ts';
import type { LadderStep } from './ladder.ts';

export type BatchingResult = {
  experiment: 'batching';
  connectionCount: number;
  ratePerSec: number;
  machine: { cpuModel: string; cpuCount: number; kernel: string };
  shapes: ShapeResult[];
  /** Shapes that could not be run here, and why. */
  notRun: { name: string; why: string }[];
  fit: CpuFit | null;
  /** CPU that lock step hides, as a share of what the same requests cost when they come jittered: measured, and by the fit. */
  hidden: { measured: number | null; byFit: number | null };
  ladder: LadderStep[];
  /** Highest rate held with every reply in time; null when none was. */
  limitPerSec: number | null;
};

export type ShapeResult = {
  name: string;
  how: string;
  requests: number;
  seconds: number;
  answered: number;
  failed: number;
  /** Wait calls of the agent, peeks left out, and per second. */
  waits: number;
  waitsPerSec: number;
  eventsPerWakeUp: number;
  /** Of one core. */
  cpuShare: number;
  cpuNsPerRequest: number;
  /** Index of dispersion of the arrivals in 10 ms windows: 0 constant, 1 Poisson. */
  idc10ms: number;
  windows: FitPoint[];
  verdict: { culprit: CulpritId; confidence: Confidence; headline: string } | null;
};
