import type { LoadRecord } from './load.ts';
import type { ObservationRecord } from './observation.ts';

/** Bumped when a reader of the old shape would be misled. Readers refuse other versions by name. */
export const RUN_FORMAT_VERSION = 1;

/**
 * A whole run as one plain value: what diagnose and report read, and nothing else. `load` is absent when only
 * live traffic was watched; `observation` is absent when only load was driven. Times are ns since run start.
 */
export type Run = {
  header: RunHeader;
  load: LoadRecord | null;
  observation: ObservationRecord | null;
  /** False when the file ends before its closing record: the run was cut short, or the disk filled. */
  complete: boolean;
};

export type RunHeader = {
  format: 'loopscope-run';
  version: number;
  loopscopeVersion: string;
  command: string[];
  mode: 'load' | 'watch' | 'doctor';
  startedWallMs: number;
  /** CLOCK_MONOTONIC at run start, decimal ns. */
  startMonoNs: string;
  environment: Environment;
  capabilities: Capability[];
  /** Pids that are loopscope itself, so that its own work is never charged to a neighbour. */
  selfPids: number[];
  /** Pids the user asked to watch; their workers are in the observation's loops. Empty when only load was driven. */
  watchedPids: number[];
};

export type Environment = {
  kernelRelease: string;
  arch: string;
  cpuModel: string;
  cpuCount: number;
  memTotalBytes: number;
  /** The hypervisor the CPU reports, or null on bare metal. */
  hypervisor: string | null;
  clockSource: string;
  nodeVersion: string;
  effectiveUid: number;
  /** As the machine calls itself; absent in files of before this was recorded. */
  hostName?: string;
};

/** Something the kernel, the privileges or the machine may refuse, and what its absence hides from the report. */
export type Capability = {
  /** Short stable name: "io_uring", "bpf", "syscall tracepoints", "proc syscall". */
  name: string;
  available: boolean;
  /** Why not: errno and likely cause. Empty when available. */
  reason: string;
  /** What the report cannot show without it. Empty when available. */
  hides: string;
};
