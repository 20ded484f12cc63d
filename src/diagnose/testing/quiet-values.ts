/** The quiet two-worker server that run-builder.ts begins with: every value of its run. */
import { NS_PER_MS, NS_PER_S } from '../../base/units.ts';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';
import { createHistogram, recordNs } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { CycleWindow, HostSample, LoopRecord, NeighbourRecord } from '../../record/observation.ts';
import { RUN_FORMAT_VERSION, type Run } from '../../record/run.ts';

export const SELF_PID = 900;
export const MASTER_CGROUP = '/web';
export const DURATION_NS = 10 * NS_PER_S;
const BUDGET_NS = 2 * NS_PER_MS;

/** [milliseconds, how many]. */
export type Spread = readonly (readonly [ms: number, count: number])[];

export function histogram(spread: Spread): string {
  const h = createHistogram();
  for (const [ms, count] of spread) if (count > 0) recordNs(h, Math.round(ms * NS_PER_MS), count);
  return encodeHistogram(h);
}

export const NEIGHBOUR: NeighbourRecord = {
  pid: 0,
  comm: '',
  commandLine: '',
  cpuNs: 0,
  kernelThread: false,
  isSelf: false,
  isWatched: false,
  cpusAllowed: '0-1',
};

/** 10 000 requests a worker, each a cycle of 50 µs with one event: 5 % busy. */
function quietWindow(loopIndex: number): CycleWindow {
  const cycleCount = 10_000;
  return {
    loopIndex,
    startNs: 0,
    durationNs: DURATION_NS,
    cycleCount,
    peekCount: 0,
    eventCount: cycleCount,
    timeoutCount: 20,
    workNs: cycleCount * 50_000,
    waitNs: DURATION_NS - cycleCount * 50_000,
    workHistogram: [[cycleBucketOf(50_000), cycleCount]],
    eventHistogram: [[1, cycleCount]],
    overshootHistogram: [[cycleBucketOf(80_000), 20]],
    wakeHistogram: [],
    acceptCount: 25,
    acceptFirstEagainCount: 0,
    acceptTailEagainCount: 0,
    cpuUserNs: 200 * NS_PER_MS,
    cpuSystemNs: 300 * NS_PER_MS,
    cpuNs: 500 * NS_PER_MS,
    runDelayNs: 100 * NS_PER_MS,
    voluntarySwitches: cycleCount,
    involuntarySwitches: 50,
    minorFaults: 10,
    majorFaults: 0,
    blockedShare: null,
  };
}

function quietLoop(loopIndex: number): LoopRecord {
  return {
    loopIndex,
    pid: 101 + loopIndex,
    tid: 101 + loopIndex,
    comm: 'nginx',
    commandLine: 'nginx: worker process',
    waitCall: 'epoll_wait',
    cpusAllowed: '0-1',
    nice: 0,
    schedPolicy: 'SCHED_OTHER',
    timerSlackNs: 50_000,
    cgroupPath: MASTER_CGROUP,
    cpuQuota: null,
    tracerPid: 0,
    startNs: 0,
    endNs: null,
  };
}

function hostSample(atNs: number): HostSample {
  const busyNs = atNs / 10;
  const cpu = {
    niceNs: 0,
    iowaitNs: 0,
    irqNs: 0,
    softirqNs: 0,
    stealNs: 0,
    systemNs: busyNs,
    userNs: busyNs,
  };
  return {
    atNs,
    cpus: [0, 1].map((index) => ({ cpu: index, ...cpu, idleNs: atNs - 2 * busyNs })),
    contextSwitches: 0,
    procsRunning: 1,
    cgroups: [],
    listenOverflows: 0,
    listenDrops: 0,
    retransSegs: 0,
    timeWaitSockets: 0,
    dirtyPages: 0,
    allocStalls: 0,
    majorFaults: 0,
    diskReadBytes: 0,
    diskWriteBytes: 0,
    diskBusyNs: 0,
  };
}

export function quietValues(): Run {
  return {
    header: {
      format: 'loopscope-run',
      version: RUN_FORMAT_VERSION,
      loopscopeVersion: '0.0.0',
      command: ['loopscope', 'doctor'],
      mode: 'doctor',
      startedWallMs: 0,
      startMonoNs: '0',
      environment: {
        kernelRelease: '6.18.0',
        arch: 'x64',
        cpuModel: 'test',
        cpuCount: 2,
        memTotalBytes: 4e9,
        hypervisor: 'KVM',
        clockSource: 'tsc',
        nodeVersion: 'v26.10.0',
        effectiveUid: 0,
      },
      capabilities: [{ name: 'bpf', available: true, reason: '', hides: '' }],
      selfPids: [SELF_PID],
      watchedPids: [100],
    },
    load: quietLoad(),
    observation: {
      tier: 'bpf',
      startNs: 0,
      endNs: DURATION_NS,
      budgetNs: BUDGET_NS,
      windowNs: DURATION_NS,
      loops: [quietLoop(0), quietLoop(1)],
      windows: [quietWindow(0), quietWindow(1)],
      stalls: [],
      host: [hostSample(0), hostSample(DURATION_NS)],
      neighbours: [{ ...NEIGHBOUR, pid: SELF_PID, comm: 'node', cpuNs: 2 * NS_PER_S, isSelf: true }],
      cost: {
        programs: [{ name: 'wait_exit', runNs: 5 * NS_PER_MS, runCount: 20_000 }],
        sampledShare: 0.1,
        ownCpuNs: 100 * NS_PER_MS,
        wallNs: DURATION_NS,
        armedNs: 0,
        tierChanges: [],
      },
      losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
      exits: [],
    },
    complete: true,
  };
}

function quietLoad(): LoadRecord {
  const planned = 20_000;
  const counts = { planned, ok: planned, wrong: 0, error: 0, timeout: 0, unsent: 0, unfinished: 0 };
  const response: Spread = [
    [0.2, 15_000],
    [0.3, 4_900],
    [0.8, 100],
  ];
  const lateness: Spread = [[0.005, planned]];
  const second: Spread = response.map(([ms, count]) => [ms, count / 10]);
  const empty = histogram([]);
  return {
    plan: {
      target: 'http://127.0.0.1:8080/',
      protocol: 'http',
      transport: 'tcp',
      arrival: 'poisson',
      ratePerSec: 2000,
      connectionCount: 50,
      threadCount: 1,
      durationNs: DURATION_NS,
      warmupNs: 0,
      timeoutNs: 2 * NS_PER_S,
      seed: 1,
      backend: 'ring',
    },
    startNs: 0,
    endNs: DURATION_NS,
    measuredFromNs: 0,
    counts,
    errorsByKind: {},
    statusCounts: { '200': planned },
    bytesSent: 1e6,
    bytesReceived: 1e7,
    connections: { opened: 50, failed: 0, reopened: 0, closedByPeer: 0, lateReplies: 0 },
    supply: { held: 50, turnedAway: 0, refusal: null, failedByErrno: {}, openFileLimit: 1024 },
    blocks: Array.from({ length: 10 }, (_, index) => ({
      startNs: index * NS_PER_S,
      durationNs: NS_PER_S,
      threadIndex: 0,
      counts: { ...counts, planned: 2000, ok: 2000 },
      latency: {
        response: histogram(second),
        service: histogram(second),
        lateness: histogram([[0.005, 2000]]),
        censored: empty,
        unsent: empty,
      },
    })),
    total: {
      response: histogram(response),
      service: histogram(response),
      lateness: histogram(lateness),
      censored: empty,
      unsent: empty,
    },
    arrivals: {
      sentCount: planned,
      meanRatePerSec: 2000,
      idc1ms: 1.01,
      idc10ms: 1.02,
      idc100ms: 0.98,
      shortGapShare: 0.26,
      shortGapShareIfPoisson: 0.26,
      maxIn1ms: 9,
      planned: { idc1ms: 1, idc10ms: 1, idc100ms: 1 },
    },
    client: {
      wallNs: DURATION_NS,
      threads: [
        {
          threadIndex: 0,
          tid: 901,
          userNs: NS_PER_S,
          systemNs: NS_PER_S,
          runDelayNs: 100 * NS_PER_MS,
          spinNs: NS_PER_S,
          waitCount: 20_000,
          eventCount: 20_000,
        },
      ],
      throttledNs: null,
      timerOversleepNsP50: 60_000,
      timerOversleepNsP99: 150_000,
      gcPauseNs: 0,
    },
    inFlight: { mean: 0.456, max: 12, limit: 50 },
    slowest: [],
    stoppedEarly: null,
  };
}
