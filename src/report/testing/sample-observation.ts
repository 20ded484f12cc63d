import type { Prng } from '../../base/prng.ts';
import { NS_PER_MS, NS_PER_S, NS_PER_US } from '../../base/units.ts';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';
import type {
  CycleWindow,
  HostSample,
  LoopRecord,
  ObservationRecord,
  Stall,
} from '../../record/observation.ts';
import type { SampleOptions } from './sample-options.ts';
import { HOSTILE_NAMES } from './sample-stalls.ts';

const LOOP_COUNT = 2;
const WINDOW_NS = 100 * NS_PER_MS;
const CYCLES_PER_WINDOW = 72;

/** What an observer would have recorded of these stalls and the calm cycles between them. */
export function observe(
  prng: Prng,
  stalls: Stall[],
  durationNs: number,
  options: SampleOptions,
): ObservationRecord {
  const tier = options.tier ?? 'bpf';
  const windows: CycleWindow[] = [];
  for (let startNs = 0; startNs < durationNs; ) {
    // A reader comes round a little late, and now and then very late.
    const lateNs = prng.next() < 0.01 ? 3 * WINDOW_NS : prng.next() * 3 * NS_PER_MS;
    const windowNs = Math.round(Math.min(durationNs - startNs, WINDOW_NS + lateNs));
    for (let loopIndex = 0; loopIndex < LOOP_COUNT; loopIndex++) {
      windows.push(windowOf(prng, stalls, loopIndex, startNs, windowNs, tier));
    }
    startNs += windowNs;
  }
  const burnNs = stalls.length > 0 ? durationNs * 0.97 : 0;
  return {
    tier,
    startNs: 0,
    endNs: durationNs,
    budgetNs: 2 * NS_PER_MS,
    windowNs: WINDOW_NS,
    loops: [loopRecord(0, options), loopRecord(1, options)],
    windows,
    stalls: tier === 'bpf' ? stalls : [],
    host: hostSamples(durationNs),
    neighbours: [
      neighbour(
        991,
        options.hostile ? HOSTILE_NAMES[0] : 'stress-ng-cpu',
        'stress-ng --cpu 1 --taskset 1',
        burnNs,
      ),
      neighbour(7000, 'loopscope', 'loopscope doctor', durationNs * 0.23, { isSelf: true }),
      neighbour(4241, 'nginx', 'nginx: worker process', durationNs * 0.11, { isWatched: true }),
      neighbour(47, 'kworker/1:2-ev', '', durationNs * 0.012, { kernelThread: true }),
    ],
    cost: {
      programs:
        tier === 'bpf'
          ? [
              { name: 'wait_enter', runNs: durationNs * 0.0006, runCount: 28_800 },
              { name: 'wait_exit', runNs: durationNs * 0.0009, runCount: 28_800 },
              { name: 'sched_switch', runNs: durationNs * 0.0021, runCount: 91_020 },
            ]
          : [],
      sampledShare: 0.1,
      ownCpuNs: durationNs * 0.008,
      wallNs: durationNs,
      armedNs: tier === 'bpf' ? durationNs * 0.91 : 0,
      tierChanges: tier === 'bpf' ? [] : [{ atNs: 0, tier: 'proc', why: 'bpf(2) refused' }],
    },
    losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
    exits: [],
  };
}

function windowOf(
  prng: Prng,
  stalls: Stall[],
  loopIndex: number,
  startNs: number,
  windowNs: number,
  tier: 'bpf' | 'proc',
): CycleWindow {
  const endNs = startNs + windowNs;
  const mine = stalls.filter(
    (s) => s.loopIndex === loopIndex && s.startNs + s.wallNs >= startNs && s.startNs + s.wallNs < endNs,
  );
  const worked = mine.filter((stall) => stall.kind === 'work');
  const stalledNs = mine.reduce((sum, stall) => sum + stall.wallNs, 0);
  const cycleCount = Math.max(
    4,
    Math.round(
      (CYCLES_PER_WINDOW + 8 * (prng.next() - 0.5)) * (windowNs / WINDOW_NS - stalledNs / WINDOW_NS),
    ),
  );
  const work = new Map<number, number>();
  const events = new Map<number, number>();
  let workNs = 0;
  let eventCount = 0;
  for (let i = 0; i < cycleCount - worked.length; i++) {
    const ready = 1 + prng.below(2);
    const ns = ready * (38 * NS_PER_US + prng.exponential(24 * NS_PER_US));
    count(work, ns);
    count(events, ready);
    workNs += ns;
    eventCount += ready;
  }
  for (const stall of worked) {
    count(work, stall.wallNs);
    count(events, stall.eventCount);
    workNs += stall.wallNs;
    eventCount += stall.eventCount;
  }
  const seen = tier === 'bpf';
  const runDelayNs = mine.reduce((sum, stall) => sum + stall.account.runQueue.totalNs, 0);
  return {
    loopIndex,
    startNs,
    durationNs: windowNs,
    cycleCount: seen ? cycleCount : 0,
    peekCount: 0,
    eventCount: seen ? eventCount : 0,
    timeoutCount: 0,
    workNs: seen ? Math.round(workNs) : 0,
    waitNs: seen ? Math.round(Math.max(0, windowNs - workNs)) : 0,
    workHistogram: seen ? pairs(work) : [],
    eventHistogram: seen ? pairs(events) : [],
    overshootHistogram: [],
    wakeHistogram: [],
    acceptCount: startNs === 0 ? 25 : 0,
    acceptFirstEagainCount: 0,
    acceptTailEagainCount: 0,
    cpuUserNs: 2.1 * NS_PER_MS,
    cpuSystemNs: 3.2 * NS_PER_MS,
    cpuNs: 5.3 * NS_PER_MS,
    runDelayNs: Math.round(runDelayNs + 0.2 * NS_PER_MS),
    voluntarySwitches: cycleCount,
    involuntarySwitches: mine.length,
    minorFaults: 0,
    majorFaults: 0,
    blockedShare: seen ? null : 0,
  };
}

function count(into: Map<number, number>, value: number): void {
  const bucket = cycleBucketOf(Math.round(value));
  into.set(bucket, (into.get(bucket) ?? 0) + 1);
}

const pairs = (counts: Map<number, number>): [number, number][] => [...counts].sort((a, b) => a[0] - b[0]);

function loopRecord(loopIndex: number, options: SampleOptions): LoopRecord {
  return {
    loopIndex,
    pid: 4241 + loopIndex,
    tid: 4241 + loopIndex,
    comm: options.hostile ? HOSTILE_NAMES[loopIndex]! : 'nginx',
    commandLine: options.hostile ? HOSTILE_NAMES[2] : 'nginx: worker process',
    waitCall: 'epoll_wait',
    cpusAllowed: String(loopIndex),
    nice: 0,
    schedPolicy: 'SCHED_OTHER',
    timerSlackNs: 50_000,
    cgroupPath: '/system.slice/nginx.service',
    cpuQuota: null,
    tracerPid: 0,
    startNs: 0,
    endNs: null,
  };
}

function neighbour(
  pid: number,
  comm: string,
  commandLine: string,
  cpuNs: number,
  more: { isSelf?: boolean; isWatched?: boolean; kernelThread?: boolean } = {},
): ObservationRecord['neighbours'][number] {
  return {
    pid,
    comm,
    commandLine,
    cpuNs,
    kernelThread: false,
    isSelf: false,
    isWatched: false,
    cpusAllowed: '0-1',
    ...more,
  };
}

function hostSamples(durationNs: number): HostSample[] {
  return Array.from({ length: Math.floor(durationNs / NS_PER_S) + 1 }, (_, second) => ({
    atNs: second * NS_PER_S,
    cpus: [0, 1].map((cpu) => ({
      cpu,
      userNs: second * 0.4 * NS_PER_S,
      niceNs: 0,
      systemNs: second * 0.2 * NS_PER_S,
      idleNs: second * 0.38 * NS_PER_S,
      iowaitNs: 0,
      irqNs: 0,
      softirqNs: second * 0.02 * NS_PER_S,
      stealNs: 0,
    })),
    contextSwitches: second * 9000,
    procsRunning: 3,
    cgroups: [],
    listenOverflows: 0,
    listenDrops: 0,
    retransSegs: 2,
    timeWaitSockets: 4,
    dirtyPages: 120,
    allocStalls: 0,
    majorFaults: 0,
    diskReadBytes: 0,
    diskWriteBytes: second * 40_960,
    diskBusyNs: second * 1_000_000,
  }));
}
