import type { ReplayRecord } from './replay/replay.ts';

/** What the load side measured. Times are ns since run start; histograms are HdrHistogram V2, compressed, base64. */
export type LoadRecord = {
  plan: PlanRecord;
  startNs: number;
  endNs: number;
  /** ns since run start before which requests are warm-up: excluded from `total`, present in `blocks`. */
  measuredFromNs: number;
  counts: OutcomeCounts;
  /** Why requests failed: "reset by peer", "truncated reply", "not HTTP", "refused"… → count. */
  errorsByKind: Record<string, number>;
  /** Why replies were wrong, where more than the status said so: a failed check, a protocol's own error → count. */
  wrongByReason?: Record<string, number>;
  /** Of these kinds and reasons, the first text that the server sent, where it sent one; absent in earlier files. */
  firstTexts?: Record<string, string>;
  statusCounts: Record<string, number>;
  bytesSent: number;
  bytesReceived: number;
  connections: ConnectionCounts;
  /** Whether the connections wanted could be had; absent in files of before it was recorded. */
  supply?: SupplyRecord;
  /** Why requests waited before they were sent, or never were; absent in files of before it was counted. */
  waits?: WaitRecord;
  /** When the server was gone, in order of time, at most 64; absent in files of before it was looked for. */
  outages?: OutageRecord[];
  /** One per second and thread, in order of time. */
  blocks: LoadBlock[];
  total: LatencyHistograms;
  arrivals: ArrivalShape;
  client: ClientCost;
  /** `limit`: connections times the requests that each may have under way; in earlier files connections. */
  inFlight: { mean: number; max: number; limit: number };
  /** The slowest requests by response time, at most 200, for matching with stalls on the timeline. */
  slowest: OutcomeRecord[];
  /** Replies, right or wrong, that came before sending ended; absent in files of before it was counted. */
  answeredInTime?: number;
  /** Why the run ended before its duration, or null. "target vanished", "proxy or target vanished", "interrupted". */
  stoppedEarly: string | null;
  /** The kinds of a mix, warm-up left out; absent when there is only one kind. */
  kinds?: KindRecord[];
  /** What the network stack counted meanwhile; absent when nobody read it. */
  network?: NetworkRecord;
  /** The log that was replayed; absent when the load was made up. */
  replay?: ReplayRecord;
};

/** One kind of request of a mix: its own books and latencies. */
export type KindRecord = { name: string; counts: OutcomeCounts; latency: LatencyHistograms };

/**
 * Counters of the client's network namespace, which for loopback is the server's too: after the run less before it.
 * Null: the kernel does not tell.
 */
export type NetworkRecord = {
  /** TcpExt ListenOverflows, ListenDrops, TCPReqQFullDrop. */
  listenOverflows: number | null;
  listenDrops: number | null;
  requestQueueFullDrops: number | null;
  /** TcpExt TCPSynRetrans, Tcp RetransSegs. */
  synRetransmits: number | null;
  retransSegs: number | null;
  /** Sockets in TIME_WAIT when the run ended; each holds a local port for a minute. */
  timeWaitSockets: number | null;
  /** Ports of net.ipv4.ip_local_port_range, times the source addresses in use. */
  localPortCount: number | null;
  /** What follows is absent when not read. net.ipv4.ip_local_port_range; net.ipv4.tcp_tw_reuse, 0 to 2. */
  localPorts?: { from: number; to: number };
  timeWaitReuse?: number;
  /** Of the sockets in TIME_WAIT, those of connections to this run's targets; read where ports ran out. */
  timeWaitToTarget?: number;
  /** Absent for loopback. */
  card?: CardRecord;
};

/** The plan as it was run; null where it does not apply. */
export type PlanRecord = {
  target: string;
  protocol: string;
  transport: 'tcp' | 'unix';
  /** The name of an arrival process; with stages, the one of stages that name none. */
  arrival: string;
  ratePerSec: number | null;
  connectionCount: number;
  threadCount: number;
  durationNs: number;
  warmupNs: number;
  timeoutNs: number;
  seed: number;
  backend: 'ring' | 'epoll';
  /** What follows is absent in files of versions that did not know of it. The arrival process as typed: "gamma:cv=3". */
  arrivalSpec?: string;
  /** The codec with its options, as typed; a user's own by its file. */
  codec?: string;
  /** Absent: one rate throughout. */
  stages?: StageRecord[];
  /** Requests that a connection may have under way at once. */
  pipelineDepth?: number;
  /** A connection is closed after so many; null: never. */
  requestsPerConnection?: number | null;
  /** How fast connections are opened; null: all at once. */
  connectionsPerSec?: number | null;
  /** Which addresses of the target's name connections were spread over. */
  addresses?: 'first' | 'all';
  /** The forward proxy on the way, without credentials; null: none. Absent in earlier files, which had none. */
  proxy?: ProxyRecord | null;
  /** The client never slept, so as to send on time. */
  spin?: boolean;
  /** The run was to end after so many requests, `durationNs` at the latest; null: time alone ended it. */
  requestLimit?: number | null;
  /** Closed loop: the pause between a reply and the next request; null: none. */
  thinkTime?: { meanNs: number; jitterNs: number } | null;
};

/** `isTunnel`: each connection was a tunnel through it (CONNECT); else it was asked for each request. */
export type ProxyRecord = { url: string; isTunnel: boolean };

/** One stage of a run; times are ns since the load began. */
export type StageRecord = {
  /** As typed: "0-2000/10s". */
  text: string;
  fromNs: number;
  toNs: number;
  fromRatePerSec: number;
  toRatePerSec: number;
};

/** One request's life. Absent times are null: never invented. planned ≤ sent ≤ firstByte ≤ done. */
export type OutcomeRecord = {
  plannedNs: number;
  sentNs: number | null;
  firstByteNs: number | null;
  doneNs: number | null;
  kind: OutcomeKind;
};

export type OutcomeKind = 'ok' | 'wrong' | 'error' | 'timeout' | 'unsent' | 'unfinished';

/** Conservation: planned = ok + wrong + error + timeout + unsent + unfinished, to the request. */
export type OutcomeCounts = {
  planned: number;
  /** Answered as asked. */
  ok: number;
  /** A well-formed reply of the wrong kind (an HTTP status of 400 or more, a failed check). */
  wrong: number;
  /** Connection refused or reset, garbage or truncated reply. */
  error: number;
  timeout: number;
  /** Due, but no connection was free before the end, or the bounded queue was full. */
  unsent: number;
  /** Sent, no reply when the run ended. */
  unfinished: number;
};

export type ConnectionCounts = {
  opened: number;
  failed: number;
  /** Opened again after the peer closed or an error. */
  reopened: number;
  closedByPeer: number;
  /** Replies that came after their request had timed out: matched, dropped, counted. */
  lateReplies: number;
  /** Connections on which bytes came that no request had asked for, as a 408 before a close; absent in earlier files. */
  unasked?: number;
  /** Of those closed by the peer: no request was under way. Absent in earlier files. */
  closedIdle?: number;
  /**
   * Requests sent a second time, on another connection: behind a reply that announced the close of theirs. Absent in
   * earlier files.
   */
  sentAgain?: number;
};

export type SupplyRecord = {
  /** Of the connections wanted, those of use when sending ended. */
  held: number;
  /** Connections that the peer closed without one good reply. */
  turnedAway: number;
  /** The first line of what it said to one of them; null when it said nothing. */
  refusal: string | null;
  /** Why connects failed: errno name, or "status 407 from the proxy" → count. */
  failedByErrno: Record<string, number>;
  /** Files that the client's process may have open (RLIMIT_NOFILE); null when not known, or without a limit. */
  openFileLimit: number | null;
  /** Addresses of the target's name in the order of trying; those without an error were used. Absent: not recorded. */
  addresses?: AddressRecord[];
  /** The tunnels through a proxy; absent when there were to be none. */
  tunnels?: TunnelRecord;
};

/** Each connection was a tunnel: from the end of its connect to the proxy's answer, ns; null: none stood. */
export type TunnelRecord = {
  opened: number;
  handshakeNsMean: number | null;
  handshakeNsMax: number | null;
  /** Why the first that was refused was, with what the proxy said; null when none was. */
  refusal: string | null;
};

/** "127.0.0.1:8080", and the name of an errno or "no answer"; null: it was used. */
export type AddressRecord = { address: string; error: string | null };

/** From and to, ns since run start. */
export type SpanRecord = { fromNs: number; toNs: number };

/** Requests by what took most of their wait: sent 1 ms late and more, and never sent. */
export type WaitRecord = {
  late: WaitCounts;
  unsent: WaitCounts;
  /** The longest time that a client thread did not run when it was to, of 10 ms and more; null: none. */
  longestAbsence: SpanRecord | null;
  /** The longest time without a byte from the server, though requests were under way all the time; null: none. */
  longestSilence: SpanRecord | null;
  /** How long the machine was suspended during the run: the clock of all figures stood still then. */
  suspendedNs: number;
};

export type WaitCounts = {
  /** Every connection that was open had all the requests it may have. */
  allTaken: number;
  noConnection: number;
  /** The client did not run: held up by the machine, stopped, or busy with other requests. */
  clientAway: number;
  /** The machine was suspended. */
  suspended: number;
  /** Of a replay: its client's request before it had no end yet. Absent in earlier files. */
  predecessor?: number;
};

/** Not one connection was open, and connects found nobody. */
export type OutageRecord = {
  fromNs: number;
  /** When a connection was open again; null: none was until sending ended. */
  toNs: number | null;
  /** Connections that the server closed with it. */
  closed: number;
  /** Connects that found nobody. */
  refused: number;
  /** The errno of the last of these. */
  errno: string;
};

export type LatencyHistograms = {
  /** done − planned. What a user of the server would have felt. */
  response: string;
  /** done − sent. What most tools print. */
  service: string;
  /** sent − planned. The tool's own lateness and the wait for a free connection. */
  lateness: string;
  /** Ages since sending of requests that never got an answer (timeout, unfinished): each took at least this long. */
  censored: string;
  /** Ages since planning of requests never sent: each would have waited at least this long. */
  unsent: string;
};

export type LoadBlock = {
  startNs: number;
  durationNs: number;
  threadIndex: number;
  counts: OutcomeCounts;
  latency: LatencyHistograms;
  /** Requests of this thread in flight during the block; absent when not sampled. */
  inFlight?: { mean: number; max: number };
};

/** How arrivals really came, from sent times. Index of dispersion: variance ÷ mean of counts; 0 constant, 1 Poisson. */
export type ArrivalShape = {
  sentCount: number;
  meanRatePerSec: number;
  idc1ms: number;
  idc10ms: number;
  idc100ms: number;
  /** Share of gaps below 150 µs, and the share a Poisson process of that rate would have. */
  shortGapShare: number;
  shortGapShareIfPoisson: number;
  maxIn1ms: number;
  /** The same four as the plan's own schedule would give at this rate; null in closed loop. */
  planned: { idc1ms: number; idc10ms: number; idc100ms: number } | null;
  /** Gaps between successive sends, of all threads together, over the measured part; absent when not recorded. */
  gaps?: GapRecord;
  /** Requests sent and due in each ms, from the beginning of the measured part on, at most 8192 of them. */
  counts1ms?: { sent: number[]; planned: number[] };
};

export type GapRecord = {
  /** A histogram, ns. */
  histogram: string;
  /** Correlation of a gap with the one before it; null when there were too few. */
  lag1: number | null;
};

/** What driving the load cost, and whether the client had the CPU it asked for. */
export type ClientCost = {
  wallNs: number;
  threads: ClientThread[];
  /** cgroup cpu.stat throttled time of the client's own group during the run; null when it has no quota. */
  throttledNs: number | null;
  /** Oversleep of a timer wait measured before the run. */
  timerOversleepNsP50: number;
  timerOversleepNsP99: number;
  gcPauseNs: number;
  /** CPU time that the hypervisor took from all CPUs during the run; absent when not read. */
  stealNs?: number;
  /** The tightest CPU quota above the client: the group's path, and CPUs. Null: none; absent: not recorded. */
  quota?: { path: string; cpus: number } | null;
  /** Other processes that used a twentieth of a CPU or more, the greatest first; absent when not looked for. */
  rivals?: RivalRecord[];
};

export type ClientThread = {
  threadIndex: number;
  tid: number;
  userNs: number;
  systemNs: number;
  /** Time runnable but not running: /proc/self/task/TID/schedstat, field 2. */
  runDelayNs: number;
  /** Time spent in chosen spinning before a deadline: on CPU, yet not load. */
  spinNs: number;
  waitCount: number;
  eventCount: number;
  /**
   * How long each turn of the thread's loop kept it busy, from the end of its wait to the next: a histogram in which
   * a turn counts once for every event it handled. Absent when not recorded.
   */
  turns?: string;
  /** What follows is absent in files of versions that did not know of it. Pauses of the thread's garbage collector. */
  gcNs?: number;
  gcCount?: number;
  /** In V8's heap, garbage or not. */
  allocatedBytes?: number;
  /** Looks at what the thread did, at even distances: they divide its own CPU time. */
  doing?: DoingSamples;
};

/** Of `count` looks: the codec was at a reply; a check was. */
export type DoingSamples = { count: number; parsing: number; checking: number };

/** A process beside the client, on CPUs that the client may use, and its CPU time meanwhile. */
export type RivalRecord = { pid: number; comm: string; cpuNs: number };

/** The interface that leads to the target, over the run; `speedBitsPerSec` null: the driver does not tell. */
export type CardRecord = {
  name: string;
  speedBitsPerSec: number | null;
  receivedBytes: number;
  sentBytes: number;
  receiveDrops: number;
  sendDrops: number;
};
