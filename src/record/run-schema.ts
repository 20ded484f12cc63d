/**
 * The shapes of a run file's records, checked when a file is read: it may be cut short, from elsewhere, or hostile.
 * Each schema is bound to the contract's type, so that a field added there and forgotten here does not compile.
 * Unknown keys are dropped.
 */
import * as v from 'valibot';
import { CYCLE_BUCKET_COUNT } from './cycle-buckets.ts';
import type {
  LatencyHistograms,
  LoadBlock,
  LoadRecord,
  OutcomeCounts,
  OutcomeRecord,
  StageRecord,
} from './load.ts';
import type { CycleWindow, HostSample, ListenerRecord, ObservationRecord, Stall } from './observation.ts';
import { replaySchema } from './replay/replay-schema.ts';
import type { RunHeader } from './run.ts';
import {
  clientSchema,
  count,
  countsByName,
  loadDetails,
  many,
  name,
  networkSchema,
  number,
  numberOrNull,
  type Schema,
  text,
  wallMs,
} from './schema-parts.ts';

export const headerSchema: Schema<RunHeader> = v.object({
  format: v.literal('loopscope-run'),
  version: v.number(),
  loopscopeVersion: name,
  command: v.array(name),
  mode: v.picklist(['load', 'watch', 'doctor']),
  startedWallMs: wallMs,
  startMonoNs: v.pipe(v.string(), v.regex(/^\d{1,20}$/)),
  environment: v.object({
    kernelRelease: name,
    arch: name,
    cpuModel: name,
    cpuCount: count,
    memTotalBytes: number,
    hypervisor: v.nullable(name),
    clockSource: name,
    nodeVersion: name,
    effectiveUid: number,
    hostName: v.optional(name),
  }),
  capabilities: v.array(v.object({ name, available: v.boolean(), reason: name, hides: name })),
  selfPids: v.array(count),
  watchedPids: v.array(count),
});

const outcomeCounts: Schema<OutcomeCounts> = v.object({
  planned: count,
  ok: count,
  wrong: count,
  error: count,
  timeout: count,
  unsent: count,
  unfinished: count,
});

const latency: Schema<LatencyHistograms> = v.object({
  response: text,
  service: text,
  lateness: text,
  censored: text,
  unsent: text,
});

const outcome: Schema<OutcomeRecord> = v.object({
  plannedNs: number,
  sentNs: numberOrNull,
  firstByteNs: numberOrNull,
  doneNs: numberOrNull,
  kind: v.picklist(['ok', 'wrong', 'error', 'timeout', 'unsent', 'unfinished']),
});

export const loadBlockSchema: Schema<LoadBlock> = v.object({
  startNs: number,
  durationNs: number,
  threadIndex: count,
  counts: outcomeCounts,
  latency,
  inFlight: v.optional(v.object({ mean: number, max: number })),
});

const countsPerMs = v.pipe(v.array(count), v.maxLength(8192));

const dispersion = { idc1ms: number, idc10ms: number, idc100ms: number };

const stage: Schema<StageRecord> = v.object({
  text: name,
  fromNs: number,
  toNs: number,
  fromRatePerSec: number,
  toRatePerSec: number,
});

/** The load without its blocks, which have lines of their own. */
export const loadSchema: Schema<Omit<LoadRecord, 'blocks'>> = v.object({
  plan: v.object({
    target: name,
    protocol: name,
    transport: v.picklist(['tcp', 'unix']),
    arrival: name,
    ratePerSec: numberOrNull,
    connectionCount: count,
    threadCount: count,
    durationNs: number,
    warmupNs: number,
    timeoutNs: number,
    seed: number,
    backend: v.picklist(['ring', 'epoll']),
    arrivalSpec: v.optional(name),
    codec: v.optional(name),
    stages: v.optional(v.pipe(v.array(stage), v.maxLength(1000))),
    pipelineDepth: v.optional(count),
    requestLimit: v.optional(v.nullable(count)),
    requestsPerConnection: v.optional(v.nullable(count)),
    connectionsPerSec: v.optional(numberOrNull),
    addresses: v.optional(v.picklist(['first', 'all'])),
    proxy: v.optional(v.nullable(v.object({ url: name, isTunnel: v.boolean() }))),
    spin: v.optional(v.boolean()),
    thinkTime: v.optional(v.nullable(v.object({ meanNs: number, jitterNs: number }))),
  }),
  startNs: number,
  endNs: number,
  measuredFromNs: number,
  counts: outcomeCounts,
  errorsByKind: countsByName,
  wrongByReason: v.optional(countsByName),
  statusCounts: countsByName,
  bytesSent: number,
  bytesReceived: number,
  connections: v.object({
    opened: count,
    failed: count,
    reopened: count,
    closedByPeer: count,
    lateReplies: count,
    unasked: v.optional(count),
    closedIdle: v.optional(count),
    sentAgain: v.optional(count),
  }),
  supply: v.optional(
    v.object({
      held: count,
      turnedAway: count,
      refusal: v.nullable(name),
      failedByErrno: countsByName,
      openFileLimit: v.nullable(count),
      addresses: v.optional(
        v.pipe(v.array(v.object({ address: name, error: v.nullable(name) })), v.maxLength(1000)),
      ),
      tunnels: v.optional(
        v.object({
          opened: count,
          handshakeNsMean: numberOrNull,
          handshakeNsMax: numberOrNull,
          refusal: v.nullable(name),
        }),
      ),
    }),
  ),
  ...loadDetails,
  total: latency,
  arrivals: v.object({
    sentCount: count,
    meanRatePerSec: number,
    ...dispersion,
    shortGapShare: number,
    shortGapShareIfPoisson: number,
    maxIn1ms: number,
    planned: v.nullable(v.object(dispersion)),
    gaps: v.optional(v.object({ histogram: text, lag1: numberOrNull })),
    counts1ms: v.optional(v.object({ sent: countsPerMs, planned: countsPerMs })),
  }),
  client: clientSchema,
  inFlight: v.object({ mean: number, max: number, limit: number }),
  slowest: v.pipe(v.array(outcome), v.maxLength(200)),
  answeredInTime: v.optional(count),
  stoppedEarly: v.nullable(name),
  kinds: v.optional(v.pipe(v.array(v.object({ name, counts: outcomeCounts, latency })), v.maxLength(1000))),
  network: v.optional(networkSchema),
  replay: v.optional(replaySchema),
});

const bucketPairs = v.pipe(
  v.array(
    v.tuple([v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(CYCLE_BUCKET_COUNT - 1)), count]),
  ),
  v.maxLength(CYCLE_BUCKET_COUNT),
);

export const windowSchema: Schema<CycleWindow> = v.object({
  loopIndex: count,
  startNs: number,
  durationNs: number,
  cycleCount: number,
  peekCount: number,
  eventCount: number,
  timeoutCount: number,
  workNs: number,
  waitNs: number,
  workHistogram: bucketPairs,
  eventHistogram: bucketPairs,
  overshootHistogram: bucketPairs,
  wakeHistogram: bucketPairs,
  acceptCount: number,
  acceptFirstEagainCount: number,
  acceptTailEagainCount: number,
  cpuUserNs: number,
  cpuSystemNs: number,
  cpuNs: number,
  runDelayNs: number,
  voluntarySwitches: number,
  involuntarySwitches: number,
  minorFaults: number,
  majorFaults: number,
  blockedShare: numberOrNull,
});

const actor = v.object({ pid: number, comm: name });

export const stallSchema: Schema<Stall> = v.object({
  loopIndex: count,
  kind: v.picklist(['work', 'wait']),
  startNs: number,
  wallNs: number,
  eventCount: number,
  peekCount: number,
  requestedTimeoutNs: numberOrNull,
  allowedSlackNs: number,
  cpu: number,
  detail: v.picklist(['full', 'counters']),
  account: v.object({
    userNs: number,
    system: v.array(v.object({ call: name, ns: number })),
    irqNs: number,
    stealNs: number,
    runQueue: v.object({
      totalNs: number,
      contended: v.array(v.object({ pid: number, comm: name, kernelThread: v.boolean(), ns: number })),
      idleNs: number,
      throttledNs: v.optional(number),
      unknownNs: number,
    }),
    blocked: v.array(
      v.object({
        call: name,
        ns: number,
        count: number,
        fd: numberOrNull,
        fdPath: v.nullable(name),
        uninterruptible: v.boolean(),
        waker: v.nullable(actor),
        kernelStack: v.array(name),
        userStack: v.optional(v.array(name)),
        userStackCut: v.optional(name),
      }),
    ),
    unexplainedNs: number,
  }),
  minorFaults: number,
  majorFaults: number,
  voluntarySwitches: number,
  involuntarySwitches: number,
  reclaimNs: v.optional(number),
  dirtyPauseNs: v.optional(number),
  stacks: v.array(
    v.object({
      count: number,
      inKernel: v.boolean(),
      frames: v.array(name),
      userFrames: v.optional(v.array(name)),
      cutBecause: v.optional(name),
    }),
  ),
});

export const hostSampleSchema: Schema<HostSample> = v.object({
  atNs: number,
  cpus: v.array(
    v.object({
      cpu: count,
      userNs: number,
      niceNs: number,
      systemNs: number,
      idleNs: number,
      iowaitNs: number,
      irqNs: number,
      softirqNs: number,
      stealNs: number,
    }),
  ),
  contextSwitches: number,
  procsRunning: number,
  cgroups: v.array(
    v.object({ path: name, periodCount: number, throttledCount: number, throttledNs: number }),
  ),
  listenOverflows: numberOrNull,
  listenDrops: numberOrNull,
  retransSegs: numberOrNull,
  timeWaitSockets: numberOrNull,
  dirtyPages: numberOrNull,
  allocStalls: numberOrNull,
  majorFaults: numberOrNull,
  diskReadBytes: numberOrNull,
  diskWriteBytes: numberOrNull,
  diskBusyNs: numberOrNull,
});

const listener: Schema<ListenerRecord> = v.object({
  transport: v.picklist(['tcp', 'unix']),
  address: name,
  inode: count,
  backlog: count,
  dropped: numberOrNull,
  holders: v.array(v.object({ pid: count, watch: v.picklist(['shared', 'exclusive', 'none', 'hidden']) })),
  sampleCount: count,
  fullCount: count,
  mostWaiting: count,
  samples: v.array(v.object({ atNs: number, waiting: count })),
});

/** The observation without what grows with the run, which has lines of its own. */
export const observationSchema: Schema<Omit<ObservationRecord, 'windows' | 'stalls' | 'host'>> = v.object({
  tier: v.picklist(['bpf', 'proc']),
  startNs: number,
  endNs: number,
  budgetNs: number,
  windowNs: number,
  loops: many(
    v.object({
      loopIndex: count,
      pid: count,
      tid: count,
      comm: name,
      commandLine: name,
      waitCall: v.nullable(name),
      cpusAllowed: name,
      nice: number,
      schedPolicy: name,
      timerSlackNs: numberOrNull,
      cgroupPath: name,
      cpuQuota: numberOrNull,
      tracerPid: number,
      startNs: number,
      endNs: numberOrNull,
    }),
  ),
  neighbours: many(
    v.object({
      pid: count,
      comm: name,
      commandLine: name,
      cpuNs: number,
      kernelThread: v.boolean(),
      isSelf: v.boolean(),
      isWatched: v.boolean(),
      cpusAllowed: name,
    }),
  ),
  cost: v.object({
    programs: v.array(v.object({ name, runNs: number, runCount: number })),
    sampledShare: number,
    ownCpuNs: number,
    wallNs: number,
    armedNs: number,
    tierChanges: v.array(v.object({ atNs: number, tier: name, why: name })),
  }),
  losses: v.object({
    ringBufferDrops: number,
    mapFullDrops: number,
    stallsNotKept: number,
    decodeErrors: number,
    stacksNotKept: v.optional(number),
    addressesNotNamed: v.optional(number),
  }),
  exits: many(v.object({ pid: count, atNs: number })),
  listeners: v.optional(v.pipe(v.array(listener), v.maxLength(4096))),
});
