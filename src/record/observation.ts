/** What was seen of the server's loops and of the host. Times are ns since run start. */
export type ObservationRecord = {
  /** bpf: cycles seen one by one. proc: counters sampled from /proc; cycles and stalls are not visible. */
  tier: 'bpf' | 'proc';
  startNs: number;
  endNs: number;
  /** A cycle or a wake-up later than this is a stall. The default follows from the median cycle, see docs. */
  budgetNs: number;
  windowNs: number;
  loops: LoopRecord[];
  windows: CycleWindow[];
  /** In order of time, at most `stallLimit`; what did not fit is counted in `losses`. */
  stalls: Stall[];
  host: HostSample[];
  neighbours: NeighbourRecord[];
  cost: ObserverCost;
  losses: ObserverLosses;
  exits: { pid: number; atNs: number }[];
  /** The sockets that the watched processes listen on; absent when the kernel did not tell, or in older runs. */
  listeners?: ListenerRecord[];
};

/** One listening socket. Several with one address: SO_REUSEPORT. */
export type ListenerRecord = {
  transport: 'tcp' | 'unix';
  /** "127.0.0.1:80", "[::]:80", a path, or "@name". */
  address: string;
  inode: number;
  /** Connections that may wait, as the kernel capped it; it lets in one more. */
  backlog: number;
  /** Connections turned away during the run because the queue was full; null: not counted (Unix sockets). */
  dropped: number | null;
  /**
   * Processes that have it open, and how their epoll sets watched it when most of them did: woken together, woken one at
   * a time (EPOLLEXCLUSIVE), or not in any (io_uring, a lock's turn, a master). hidden: could not be read.
   */
  holders: { pid: number; watch: 'shared' | 'exclusive' | 'none' | 'hidden' }[];
  /** Times it was looked at; those at which nobody waited are not among the samples. */
  sampleCount: number;
  /** Of these, times it was full. */
  fullCount: number;
  mostWaiting: number;
  /** In order of time. */
  samples: { atNs: number; waiting: number }[];
};

/** A thread that waits for events and works on them. */
export type LoopRecord = {
  loopIndex: number;
  pid: number;
  tid: number;
  comm: string;
  commandLine: string;
  /** "epoll_wait", "epoll_pwait", "io_uring_enter"…; null when /proc did not let us see. */
  waitCall: string | null;
  cpusAllowed: string;
  nice: number;
  schedPolicy: string;
  timerSlackNs: number | null;
  cgroupPath: string;
  /** Quota of its CPU cgroup as a number of CPUs, or null when unlimited or unreadable. */
  cpuQuota: number | null;
  /** Pid of an attached tracer (TracerPid of /proc/PID/status), 0 when none. */
  tracerPid: number;
  startNs: number;
  endNs: number | null;
};

/**
 * One loop over one window. Counters are differences within the window. The cycle fields are zero and the
 * histograms empty in the proc tier. Histograms are sparse [bucket, count] pairs in cycle-buckets.ts units (ns; events: count).
 */
export type CycleWindow = {
  loopIndex: number;
  startNs: number;
  durationNs: number;
  cycleCount: number;
  /** Wait calls with timeout 0 that returned 0: merged into the cycle round them. */
  peekCount: number;
  eventCount: number;
  /** Waits that ended by their own timeout. */
  timeoutCount: number;
  workNs: number;
  waitNs: number;
  workHistogram: [bucket: number, count: number][];
  eventHistogram: [bucket: number, count: number][];
  /** Return of a timed-out wait later than asked, less its legal slack. */
  overshootHistogram: [bucket: number, count: number][];
  /** Runnable to running at the end of a wait; empty unless the scheduler probes were armed. */
  wakeHistogram: [bucket: number, count: number][];
  acceptCount: number;
  /** First accept after a wake-up failed with EAGAIN: another worker took the connection. */
  acceptFirstEagainCount: number;
  /** EAGAIN after at least one success: a multi-accept loop's normal end. */
  acceptTailEagainCount: number;
  cpuUserNs: number;
  cpuSystemNs: number;
  /** On-CPU time from the scheduler's own account (schedstat field 1). */
  cpuNs: number;
  runDelayNs: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  minorFaults: number;
  majorFaults: number;
  /** Share of state samples in D (uninterruptible) in the proc tier; null in the bpf tier. */
  blockedShare: number | null;
};

/**
 * A cycle whose work was over budget ("work"), or a wait that ended late ("wait": woken or timed out, but not
 * running until `wallNs` after it should have been). The account adds up to wallNs by construction of `unexplainedNs`.
 */
export type Stall = {
  loopIndex: number;
  kind: 'work' | 'wait';
  startNs: number;
  wallNs: number;
  eventCount: number;
  peekCount: number;
  /** For "wait": the timeout asked for, -1 for none. Null for "work". */
  requestedTimeoutNs: number | null;
  /** Legal lateness of that timeout (slack rule of fs/select.c); 0 for "work". */
  allowedSlackNs: number;
  cpu: number;
  /** full: scheduler probes were armed for the whole of it. counters: from the task's own counters only. */
  detail: 'full' | 'counters';
  account: StallAccount;
  minorFaults: number;
  majorFaults: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  /** Within the account's parts: freeing memory for its own allocations (direct reclaim). Absent: none. */
  reclaimNs?: number;
  /** Within `blocked`: held back by the kernel for writing faster than the disk takes it. Absent: none. */
  dirtyPauseNs?: number;
  /** CPU samples taken in this stall, most frequent first, at most 8. Frames run from the innermost outwards. */
  stacks: StackSample[];
};

export type StallAccount = {
  userNs: number;
  /** On-CPU system time by call; call "" when it is not known which. */
  system: { call: string; ns: number }[];
  irqNs: number;
  stealNs: number;
  runQueue: RunQueueAccount;
  blocked: BlockedSlice[];
  unexplainedNs: number;
};

/** Runnable but not running, split by what the CPU did instead. */
export type RunQueueAccount = {
  totalNs: number;
  /** Who ran instead, longest first, at most 6. */
  contended: { pid: number; comm: string; kernelThread: boolean; ns: number }[];
  /** The CPU was idle while we were runnable: a quota (see HostSample.cgroups) or a slow exit from idle. */
  idleNs: number;
  /** Of idleNs, what is proven to be a quota: the kernel kept its cgroup throttled, whoever had the CPU meanwhile. */
  throttledNs?: number;
  unknownNs: number;
};

/** Off CPU and not runnable. */
export type BlockedSlice = {
  /**
   * System call name; "page-fault" when none was in flight; "stopped" by a signal, "traced" by a tracer, "frozen" with its
   * cgroup; "unknown" when not visible.
   */
  call: string;
  ns: number;
  count: number;
  /** First argument when the call takes a descriptor. */
  fd: number | null;
  /** What that descriptor is: a path, "socket:tcp 127.0.0.1:53", "pipe"; null when it could not be read. */
  fdPath: string | null;
  uninterruptible: boolean;
  /** Who woke it: the lock holder for a futex. */
  waker: { pid: number; comm: string } | null;
  kernelStack: string[];
  /** The program's own frames of the longest of them, innermost first. Absent when no copy of its stack was had. */
  userStack?: string[];
  /** As StackSample.cutBecause. */
  userStackCut?: string;
};

export type StackSample = {
  count: number;
  inKernel: boolean;
  /** Innermost first: of the kernel when it was in it, else of the program. */
  frames: string[];
  /** In the kernel: the program's own frames, from where it called. Absent when no copy of its stack was had. */
  userFrames?: string[];
  /** Why the program's outermost frames are missing ("copy ended"); absent when they are all there, or unknown. */
  cutBecause?: string;
};

/** Host counters, cumulative since boot: readers take differences. Null: not readable here. */
export type HostSample = {
  atNs: number;
  cpus: CpuTimes[];
  contextSwitches: number;
  procsRunning: number;
  cgroups: CgroupCpuSample[];
  listenOverflows: number | null;
  listenDrops: number | null;
  retransSegs: number | null;
  timeWaitSockets: number | null;
  dirtyPages: number | null;
  allocStalls: number | null;
  majorFaults: number | null;
  diskReadBytes: number | null;
  diskWriteBytes: number | null;
  diskBusyNs: number | null;
};

/** /proc/stat per CPU, in ns. */
export type CpuTimes = {
  cpu: number;
  userNs: number;
  niceNs: number;
  systemNs: number;
  idleNs: number;
  iowaitNs: number;
  irqNs: number;
  softirqNs: number;
  stealNs: number;
};

export type CgroupCpuSample = {
  path: string;
  periodCount: number;
  throttledCount: number;
  throttledNs: number;
};

/** Another process that used CPU during the run; at most 20, by CPU time. */
export type NeighbourRecord = {
  pid: number;
  comm: string;
  commandLine: string;
  cpuNs: number;
  kernelThread: boolean;
  isSelf: boolean;
  isWatched: boolean;
  cpusAllowed: string;
};

export type ObserverCost = {
  /** Run time and count of each BPF program; measured in sampled spans and scaled, see `sampledShare`. */
  programs: { name: string; runNs: number; runCount: number }[];
  /** Share of the run during which the kernel's BPF statistics were on. */
  sampledShare: number;
  /** The observer's own CPU time (user + system) in this process. */
  ownCpuNs: number;
  wallNs: number;
  /** Time with the scheduler probes armed. */
  armedNs: number;
  tierChanges: { atNs: number; tier: string; why: string }[];
};

export type ObserverLosses = {
  ringBufferDrops: number;
  mapFullDrops: number;
  stallsNotKept: number;
  decodeErrors: number;
  /** User stacks of stalls: over what unwinding may cost, or without room. Absent: none. */
  stacksNotKept?: number;
  /** Addresses left as numbers: what names them would have cost more than it may. Absent: none. */
  addressesNotNamed?: number;
};
