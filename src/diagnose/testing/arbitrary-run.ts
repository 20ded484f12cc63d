/** Any run valid by shape, however absurd its numbers and hostile its strings: what a run file could hold. */
import fc from 'fast-check';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { RUN_FORMAT_VERSION, type Run } from '../../record/run.ts';
import { histogram } from './run-builder.ts';

const CALLS = ['fsync', 'futex', 'page-fault', 'unknown', 'read', 'clock_nanosleep', 'munmap', ''];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.constantFrom(...CALLS, 'nginx', '/a', '0-1'),
);
/** JSON has no NaN or infinity; past 2^53 no time or count of ours exists. */
const any = fc.double({ noNaN: true, min: -(2 ** 53), max: 2 ** 53 });
const ns = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 2e9 }) },
  { weight: 1, arbitrary: any },
);
const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 1e5 }) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
);
const small = fc.integer({ min: -1, max: 3 });
const few = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const absent = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const pairs = few(fc.tuple(fc.integer({ min: -2, max: 200 }), count));

const latency = fc.oneof(
  fc.constantFrom(
    '',
    'AAAA',
    histogram([[1, 500]]),
    histogram([
      [0.2, 2000],
      [50, 90],
    ]),
  ),
  fc.string({ maxLength: 20 }),
);
const histograms = fc.record({
  response: latency,
  service: latency,
  lateness: latency,
  censored: latency,
  unsent: latency,
});

const perMs = fc.oneof(fc.array(count, { maxLength: 20 }), fc.constantFrom(new Array(3000).fill(1)));

const outcomeCounts: fc.Arbitrary<OutcomeCounts> = fc.record({
  planned: count,
  ok: count,
  wrong: count,
  error: count,
  timeout: count,
  unsent: count,
  unfinished: count,
});

const client = fc.record({
  wallNs: ns,
  threads: few(
    fc.record({
      threadIndex: small,
      tid: small,
      userNs: ns,
      systemNs: ns,
      runDelayNs: ns,
      spinNs: ns,
      waitCount: count,
      eventCount: count,
      turns: absent(latency),
    }),
  ),
  throttledNs: maybe(ns),
  timerOversleepNsP50: ns,
  timerOversleepNsP99: ns,
  gcPauseNs: ns,
  stealNs: absent(ns),
});

const load: fc.Arbitrary<LoadRecord> = fc.record({
  plan: fc.record({
    target: text,
    protocol: text,
    transport: fc.constantFrom('tcp', 'unix'),
    arrival: fc.oneof(fc.constantFrom('constant', 'poisson', 'synced', 'closed'), text),
    ratePerSec: maybe(ns),
    connectionCount: count,
    threadCount: small,
    durationNs: ns,
    warmupNs: ns,
    timeoutNs: ns,
    seed: count,
    backend: fc.constantFrom('ring', 'epoll'),
  }),
  startNs: ns,
  endNs: ns,
  measuredFromNs: ns,
  counts: outcomeCounts,
  errorsByKind: fc.dictionary(text, count, { maxKeys: 2 }),
  statusCounts: fc.dictionary(fc.constantFrom('200', '404', '500'), count, { maxKeys: 2 }),
  bytesSent: count,
  bytesReceived: count,
  connections: fc.record({
    opened: count,
    failed: count,
    reopened: count,
    closedByPeer: count,
    lateReplies: count,
  }),
  supply: absent(
    fc.record({
      held: count,
      turnedAway: count,
      refusal: maybe(text),
      failedByErrno: fc.dictionary(fc.constantFrom('EMFILE', 'ENFILE', 'ECONNREFUSED', 'other'), count),
      openFileLimit: maybe(count),
      addresses: absent(fc.array(fc.record({ address: text, error: maybe(text) }), { maxLength: 3 })),
    }),
  ),
  blocks: fc.array(
    fc.record({
      startNs: ns,
      durationNs: ns,
      threadIndex: small,
      counts: outcomeCounts,
      latency: histograms,
      inFlight: absent(fc.record({ mean: any, max: count })),
    }),
    { maxLength: 10 },
  ),
  total: histograms,
  arrivals: fc.record({
    sentCount: count,
    meanRatePerSec: ns,
    idc1ms: any,
    idc10ms: any,
    idc100ms: any,
    shortGapShare: any,
    shortGapShareIfPoisson: any,
    maxIn1ms: count,
    planned: maybe(fc.record({ idc1ms: any, idc10ms: any, idc100ms: any })),
    gaps: absent(fc.record({ histogram: latency, lag1: maybe(any) })),
    counts1ms: absent(fc.record({ sent: perMs, planned: perMs })),
  }),
  client,
  inFlight: fc.record({ mean: any, max: count, limit: count }),
  slowest: fc.constant([]),
  stoppedEarly: maybe(text),
  network: absent(
    fc.record({
      listenOverflows: maybe(any),
      listenDrops: maybe(any),
      requestQueueFullDrops: maybe(any),
      synRetransmits: maybe(any),
      retransSegs: maybe(any),
      timeWaitSockets: maybe(any),
      localPortCount: maybe(any),
    }),
  ),
  kinds: absent(
    fc.array(fc.record({ name: text, counts: outcomeCounts, latency: histograms }), { maxLength: 2 }),
  ),
});

const account = fc.record({
  userNs: ns,
  system: few(fc.record({ call: text, ns })),
  irqNs: ns,
  stealNs: ns,
  runQueue: fc.record({
    totalNs: ns,
    contended: few(fc.record({ pid: small, comm: text, kernelThread: fc.boolean(), ns })),
    idleNs: ns,
    unknownNs: ns,
  }),
  blocked: few(
    fc.record({
      call: fc.constantFrom(...CALLS),
      ns,
      count,
      fd: maybe(count),
      fdPath: maybe(text),
      uninterruptible: fc.boolean(),
      waker: maybe(fc.record({ pid: small, comm: text })),
      kernelStack: few(text),
    }),
  ),
  unexplainedNs: ns,
});

const stall = fc.record({
  loopIndex: small,
  kind: fc.constantFrom('work', 'wait'),
  startNs: ns,
  wallNs: ns,
  eventCount: count,
  peekCount: count,
  requestedTimeoutNs: maybe(ns),
  allowedSlackNs: ns,
  cpu: small,
  detail: fc.constantFrom('full', 'counters'),
  account,
  minorFaults: count,
  majorFaults: count,
  voluntarySwitches: count,
  involuntarySwitches: count,
  stacks: few(fc.record({ count, inKernel: fc.boolean(), frames: few(text) })),
});

const loop = fc.record({
  loopIndex: small,
  pid: small,
  tid: small,
  comm: text,
  commandLine: text,
  waitCall: maybe(text),
  cpusAllowed: text,
  nice: small,
  schedPolicy: text,
  timerSlackNs: maybe(ns),
  cgroupPath: text,
  cpuQuota: maybe(any),
  tracerPid: fc.constantFrom(0, 0, 0, 5),
  startNs: ns,
  endNs: maybe(ns),
});

const cycleWindow = fc.record({
  loopIndex: small,
  startNs: ns,
  durationNs: ns,
  cycleCount: count,
  peekCount: count,
  eventCount: count,
  timeoutCount: count,
  workNs: ns,
  waitNs: ns,
  workHistogram: pairs,
  eventHistogram: pairs,
  overshootHistogram: pairs,
  wakeHistogram: pairs,
  acceptCount: count,
  acceptFirstEagainCount: count,
  acceptTailEagainCount: count,
  cpuUserNs: ns,
  cpuSystemNs: ns,
  cpuNs: ns,
  runDelayNs: ns,
  voluntarySwitches: count,
  involuntarySwitches: count,
  minorFaults: count,
  majorFaults: count,
  blockedShare: maybe(any),
});

const hostSample = fc.record({
  atNs: ns,
  cpus: few(
    fc.record({
      cpu: small,
      userNs: ns,
      niceNs: ns,
      systemNs: ns,
      idleNs: ns,
      iowaitNs: ns,
      irqNs: ns,
      softirqNs: ns,
      stealNs: ns,
    }),
  ),
  contextSwitches: count,
  procsRunning: count,
  cgroups: few(fc.record({ path: text, periodCount: count, throttledCount: count, throttledNs: ns })),
  listenOverflows: maybe(count),
  listenDrops: maybe(count),
  retransSegs: maybe(count),
  timeWaitSockets: maybe(count),
  dirtyPages: maybe(count),
  allocStalls: maybe(count),
  majorFaults: maybe(count),
  diskReadBytes: maybe(count),
  diskWriteBytes: maybe(count),
  diskBusyNs: maybe(ns),
});

const observation: fc.Arbitrary<ObservationRecord> = fc.record({
  tier: fc.constantFrom('bpf', 'proc'),
  startNs: ns,
  endNs: ns,
  budgetNs: ns,
  windowNs: ns,
  loops: few(loop),
  windows: few(cycleWindow),
  stalls: fc.array(stall, { maxLength: 12 }),
  host: few(hostSample),
  neighbours: few(
    fc.record({
      pid: small,
      comm: text,
      commandLine: text,
      cpuNs: ns,
      kernelThread: fc.boolean(),
      isSelf: fc.boolean(),
      isWatched: fc.boolean(),
      cpusAllowed: text,
    }),
  ),
  cost: fc.record({
    programs: few(fc.record({ name: text, runNs: ns, runCount: count })),
    sampledShare: any,
    ownCpuNs: ns,
    wallNs: ns,
    armedNs: ns,
    tierChanges: fc.constant([]),
  }),
  losses: fc.record({
    ringBufferDrops: count,
    mapFullDrops: count,
    stallsNotKept: count,
    decodeErrors: count,
  }),
  exits: few(fc.record({ pid: small, atNs: ns })),
});

export const arbitraryRun: fc.Arbitrary<Run> = fc.record({
  header: fc.record({
    format: fc.constant('loopscope-run' as const),
    version: fc.constant(RUN_FORMAT_VERSION),
    loopscopeVersion: text,
    command: few(text),
    mode: fc.constantFrom('load', 'watch', 'doctor'),
    startedWallMs: count,
    startMonoNs: fc.constant('0'),
    environment: fc.record({
      kernelRelease: text,
      arch: text,
      cpuModel: text,
      cpuCount: small,
      memTotalBytes: count,
      hypervisor: maybe(text),
      clockSource: text,
      nodeVersion: text,
      effectiveUid: small,
    }),
    capabilities: few(fc.record({ name: text, available: fc.boolean(), reason: text, hides: text })),
    selfPids: few(small),
    watchedPids: few(small),
  }),
  load: maybe(load),
  observation: maybe(observation),
  complete: fc.boolean(),
});
