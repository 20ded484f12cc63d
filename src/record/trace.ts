/** What a trace found. Times are ns; buckets are those of cycle-buckets.ts. */

/** A traced thread; what it did is kept when it has ended. */
export type TracedThread = { pid: number; tid: number; comm: string; ended: boolean };

/** What the trace could not see or keep, each by its own count; all zero in a whole one. */
export type TraceLosses = {
  /** Threads for which there was no room: nothing of them was counted. */
  threads: number;
  /** Events whose row (an errno, a rival, a caller) found no room. */
  rows: number;
  /** Time that could not be charged to anybody. */
  unchargedNs: number;
  /**
   * Events that the kernel skipped because the same program was already running on that CPU, and switches that must have
   * been but were not seen.
   */
  skipped: number;
  /** Processes started meanwhile whose functions were not probed before they ended. */
  unprobedChildren: number;
};

/** What the tracing programs themselves took: run times are scaled up from the share that was sampled. */
export type TraceCost = {
  programs: { name: string; runNs: number; runCount: number }[];
  sampledShare: number;
};

export type TraceBase = {
  /** What was asked to be traced, as typed: "nginx", "1234", a path. */
  subject: string;
  pids: number[];
  /** Processes that the traced ones start are traced too. */
  follow: boolean;
  startedAtMs: number;
  /** How long events were counted. */
  durationNs: number;
  /** Why it ended before its time; null when it did not. */
  endedEarly: string | null;
  /** Processes that traced ones started meanwhile. */
  births: number;
  losses: TraceLosses;
  cost: TraceCost;
  notes: string[];
};

/** One system call, of all threads together. */
export type SyscallRow = {
  number: number;
  name: string;
  /** Those that began and returned within the trace. */
  calls: number;
  errors: number;
  ns: number;
  /** Of `ns`: its thread was not on a CPU. */
  offCpuNs: number;
  maxNs: number;
  buckets: number[];
  /** By name, most frequent first. */
  errnos: { name: string; count: number }[];
  /** Returned, but had begun before the trace: neither counted nor timed. */
  beganBefore: number;
  /** Still under way at the end, and the longest of them so far. */
  inFlight: number;
  inFlightNsMax: number;
  /** Its thread ended in it: exit, or a signal that kills. */
  neverReturned: number;
};

export type SyscallThread = TracedThread & {
  calls: number;
  errors: number;
  ns: number;
  offCpuNs: number;
  /** What it was in at the end, and for how long; null for none, or for one that began before the trace. */
  inCall: { name: string; ns: number } | null;
};

export type SyscallTrace = TraceBase & { kind: 'syscalls'; rows: SyscallRow[]; threads: SyscallThread[] };

/** Where one thread was, and how it was switched. */
export type SchedThread = TracedThread & {
  runNs: number;
  /** Runnable, but not running. */
  waitNs: number;
  blockedNs: number;
  voluntary: number;
  involuntary: number;
  migrations: number;
  wakeups: number;
  waits: number;
  waitMaxNs: number;
  wakeMaxNs: number;
  /** From runnable to running. */
  waitBuckets: number[];
  /** From being woken to running. */
  wakeBuckets: number[];
};

/** Who had a CPU while a traced thread was runnable there. pid 0 is the idle task: the CPU was still waking up. */
export type Rival = {
  /** The thread that waited. */
  tid: number;
  cpu: number;
  rivalPid: number;
  rivalTid: number;
  comm: string;
  kernelThread: boolean;
  /** It is a traced one itself. */
  traced: boolean;
  ns: number;
  turns: number;
};

export type SchedTrace = TraceBase & { kind: 'sched'; threads: SchedThread[]; rivals: Rival[] };

export type FunctionRow = {
  name: string;
  /** Where it is: "nginx", "libc.so.6". */
  file: string;
  calls: number;
  /** Calls that returned, and so were timed. */
  returns: number;
  /** Of all calls added up: more than the clock shows where they nest. */
  ns: number;
  /** Of the outermost calls: recursion counts once. */
  inclusiveNs: number;
  inclusiveOffCpuNs: number;
  /** Without the other traced functions called from it. */
  exclusiveNs: number;
  exclusiveOffCpuNs: number;
  maxNs: number;
  buckets: number[];
  exclusiveBuckets: number[];
  recursive: number;
  /** Entered too deep in other calls to be timed. */
  tooDeep: number;
  /** Left by longjmp or an exception: entered, never returned. */
  abandoned: number;
  /** Returned, but had been entered before the trace. */
  beganBefore: number;
  /** Under way at the end, and the longest of them so far. */
  inFlight: number;
  inFlightNsMax: number;
};

/** Calls of `callee` directly from `caller`, both indices into the rows; caller −1: from none of them. */
export type FunctionEdge = { caller: number; callee: number; calls: number; ns: number };

export type FunctionTrace = TraceBase & {
  kind: 'functions';
  rows: FunctionRow[];
  edges: FunctionEdge[];
  threads: (TracedThread & { calls: number })[];
};

export type Trace = SyscallTrace | SchedTrace | FunctionTrace;
