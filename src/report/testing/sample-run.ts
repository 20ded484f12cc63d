/**
 * A small simulated server under load, for golden texts and for looking at reports: requests meet two loops, and wait
 * when their loop is stalled. Everything follows from the seed, so the same scenario is the same run for ever.
 */

import { createPrng, type Prng } from '../../base/prng.ts';
import { NS_PER_MS, NS_PER_S, NS_PER_US } from '../../base/units.ts';
import { quietReplay } from '../../diagnose/testing/replay-values.ts';
import { createHistogram, type Histogram, recordNs } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';
import type {
  KindRecord,
  LatencyHistograms,
  LoadBlock,
  LoadRecord,
  NetworkRecord,
  OutcomeCounts,
  OutcomeRecord,
} from '../../record/load.ts';
import type { Stall } from '../../record/observation.ts';
import { RUN_FORMAT_VERSION, type Run, type RunHeader } from '../../record/run.ts';
import { observe } from './sample-observation.ts';
import type { SampleOptions } from './sample-options.ts';
import { plantStalls } from './sample-stalls.ts';

const LOOP_COUNT = 2;
const THREAD_COUNT = 2;
const WARMUP_NS = NS_PER_S;
const TIMEOUT_NS = 1.2 * NS_PER_S;

/** A run as `record` would read it. */
export function sampleRun(options: SampleOptions = {}): Run {
  const { scenario = 'contended', seconds = 20, mode = 'doctor', complete = true } = options;
  const prng = createPrng(20240607);
  const durationNs = seconds * NS_PER_S;
  const stalls = plantStalls(prng, scenario, durationNs, LOOP_COUNT, options.hostile ?? false);
  return {
    header: header(mode, options),
    load: mode === 'watch' ? null : simulateLoad(prng, stalls, durationNs, options),
    observation: mode === 'load' ? null : observe(prng, stalls, durationNs, options),
    complete,
  };
}

type Recorder = {
  response: Histogram;
  service: Histogram;
  lateness: Histogram;
  censored: Histogram;
  counts: OutcomeCounts;
};

function simulateLoad(prng: Prng, stalls: Stall[], durationNs: number, options: SampleOptions): LoadRecord {
  const ratePerSec = options.ratePerSec ?? 2000;
  const endNs = durationNs;
  const blocks = new Map<string, Recorder>();
  const total = recorder();
  const all = recorder();
  const slowest: OutcomeRecord[] = [];
  const sentTimes: number[] = [];
  const stalledUntil = stallClock(stalls);
  const unansweredFromNs = endNs - ((options.unanswered ?? 0) / ratePerSec) * NS_PER_S;
  let plannedNs = 0;
  let serviceSumNs = 0;
  for (;;) {
    plannedNs += prng.exponential(NS_PER_S / ratePerSec);
    if (plannedNs >= endNs) break;
    const threadIndex = prng.below(THREAD_COUNT);
    const sentNs = plannedNs + 2 * NS_PER_US + prng.exponential(14 * NS_PER_US);
    sentTimes.push(sentNs);
    const serviceNs = 70 * NS_PER_US + prng.exponential(60 * NS_PER_US);
    const freeNs = stalledUntil(prng.below(LOOP_COUNT), sentNs);
    const doneNs = Math.max(sentNs, freeNs) + serviceNs;
    const slot = Math.floor(plannedNs / NS_PER_S);
    const key = `${slot},${threadIndex}`;
    const block = blocks.get(key) ?? blocks.set(key, recorder()).get(key)!;
    const targets = plannedNs >= WARMUP_NS ? [block, all, total] : [block, all];
    serviceSumNs += doneNs - sentNs;
    const kind = plannedNs >= unansweredFromNs ? 'timeout' : 'ok';
    for (const target of targets) {
      target.counts.planned++;
      target.counts[kind]++;
      recordNs(target.lateness, sentNs - plannedNs);
      if (kind === 'ok') {
        recordNs(target.response, doneNs - plannedNs);
        recordNs(target.service, doneNs - sentNs);
      } else recordNs(target.censored, TIMEOUT_NS);
    }
    if (kind === 'ok') slowest.push({ plannedNs, sentNs, firstByteNs: doneNs - 9000, doneNs, kind });
  }
  slowest.sort((a, b) => b.doneNs! - b.plannedNs - (a.doneNs! - a.plannedNs));
  const count = sentTimes.length;
  return {
    plan: {
      target: 'http://127.0.0.1:8080/',
      protocol: 'http1',
      transport: 'tcp',
      arrival: 'poisson',
      ratePerSec,
      connectionCount: 50,
      threadCount: THREAD_COUNT,
      durationNs,
      warmupNs: WARMUP_NS,
      timeoutNs: TIMEOUT_NS,
      seed: 20240607,
      backend: 'ring',
    },
    startNs: 0,
    endNs,
    measuredFromNs: WARMUP_NS,
    counts: all.counts,
    errorsByKind: {},
    statusCounts: { 200: all.counts.ok },
    bytesSent: count * 78,
    bytesReceived: all.counts.ok * 853,
    connections: { opened: 50, failed: 0, reopened: 0, closedByPeer: 0, lateReplies: 0 },
    waits: {
      late: { allTaken: 3, noConnection: 0, clientAway: 20, suspended: 0 },
      unsent: { allTaken: 0, noConnection: 0, clientAway: 0, suspended: 0 },
      longestAbsence: { fromNs: 2e9, toNs: 2.012e9 },
      longestSilence: { fromNs: 3e9, toNs: 3.04e9 },
      suspendedNs: 0,
    },
    outages: [],
    supply: { held: 50, turnedAway: 0, refusal: null, failedByErrno: {}, openFileLimit: 1024 },
    blocks: [...blocks]
      .map(([key, block]) => blockOf(key, block))
      .sort((a, b) => a.startNs - b.startNs || a.threadIndex - b.threadIndex),
    total: encode(total),
    arrivals: {
      sentCount: count,
      meanRatePerSec: count / (durationNs / NS_PER_S),
      idc1ms: dispersion(sentTimes, NS_PER_MS, durationNs),
      idc10ms: dispersion(sentTimes, 10 * NS_PER_MS, durationNs),
      idc100ms: dispersion(sentTimes, 100 * NS_PER_MS, durationNs),
      shortGapShare: 0.262,
      shortGapShareIfPoisson: 0.259,
      maxIn1ms: 11,
      planned: { idc1ms: 1, idc10ms: 1, idc100ms: 1 },
    },
    client: clientCost(durationNs),
    inFlight: { mean: serviceSumNs / durationNs, max: 50, limit: 50 },
    slowest: slowest.slice(0, 200),
    stoppedEarly: options.complete === false ? 'interrupted' : null,
    ...(options.kinds && { kinds: kindsOf(total), network: NETWORK }),
    ...(options.replay && replayOf(total)),
  };
}

const NETWORK: NetworkRecord = {
  listenOverflows: 3,
  listenDrops: 3,
  requestQueueFullDrops: 0,
  synRetransmits: 2,
  retransSegs: null,
  timeWaitSockets: 12,
  localPortCount: 28_232,
};

/** Two kinds that share what was measured: enough to look at, and one of them has a name that is markup. */
function kindsOf(total: Recorder): KindRecord[] {
  const latency = encode(total);
  return ['GET /search', '<b>POST</b> /orders'].map((name, i) => ({
    name,
    counts: { ...total.counts, ok: total.counts.ok - i * 7, wrong: total.counts.wrong + i * 7 },
    latency,
  }));
}

/** A log whose two routes took 50 µs in the server's own eyes. */
function replayOf(total: Recorder): Pick<LoadRecord, 'kinds' | 'replay'> {
  const kinds = kindsOf(total);
  const replay = quietReplay();
  const logged = createHistogram();
  recordNs(logged, 50 * NS_PER_US, total.counts.ok);
  replay.routes = kinds.map(({ name }, i) => ({ name, logged: i === 0 ? encodeHistogram(logged) : null }));
  return { kinds, replay };
}

/** When a loop is free again for a request that arrives at a time. */
function stallClock(stalls: Stall[]): (loopIndex: number, atNs: number) => number {
  return (loopIndex, atNs) => {
    for (const stall of stalls) {
      if (stall.startNs > atNs) break;
      if (stall.loopIndex === loopIndex && atNs < stall.startNs + stall.wallNs)
        return stall.startNs + stall.wallNs;
    }
    return atNs;
  };
}

function recorder(): Recorder {
  return {
    response: createHistogram(),
    service: createHistogram(),
    lateness: createHistogram(),
    censored: createHistogram(),
    counts: { planned: 0, ok: 0, wrong: 0, error: 0, timeout: 0, unsent: 0, unfinished: 0 },
  };
}

function encode(from: Recorder): LatencyHistograms {
  return {
    response: encodeHistogram(from.response),
    service: encodeHistogram(from.service),
    lateness: encodeHistogram(from.lateness),
    censored: encodeHistogram(from.censored),
    unsent: encodeHistogram(createHistogram()),
  };
}

function blockOf(key: string, from: Recorder): LoadBlock {
  const [slot, threadIndex] = key.split(',').map(Number);
  return {
    startNs: slot! * NS_PER_S,
    durationNs: NS_PER_S,
    threadIndex: threadIndex!,
    counts: from.counts,
    latency: encode(from),
  };
}

function dispersion(times: number[], windowNs: number, durationNs: number): number {
  const counts = new Float64Array(Math.ceil(durationNs / windowNs) + 1);
  for (const time of times) counts[Math.min(counts.length - 1, Math.floor(time / windowNs))]!++;
  const mean = times.length / counts.length;
  let squares = 0;
  for (const count of counts) squares += (count - mean) ** 2;
  return squares / counts.length / mean;
}

function clientCost(durationNs: number): LoadRecord['client'] {
  return {
    wallNs: durationNs,
    threads: Array.from({ length: THREAD_COUNT }, (_, threadIndex) => ({
      threadIndex,
      tid: 7001 + threadIndex,
      userNs: durationNs * 0.021,
      systemNs: durationNs * 0.034,
      runDelayNs: durationNs * 0.004,
      spinNs: durationNs * 0.009,
      waitCount: 31_204,
      eventCount: 40_112,
    })),
    throttledNs: null,
    timerOversleepNsP50: 58_000,
    timerOversleepNsP99: 171_000,
    gcPauseNs: 3_200_000,
  };
}

function header(mode: RunHeader['mode'], options: SampleOptions): RunHeader {
  const proc = options.tier === 'proc';
  const target = mode === 'watch' ? [] : ['http://127.0.0.1:8080/', '--rate', '2000', '--duration', '20'];
  const pid = mode === 'load' ? [] : ['--pid', '4240'];
  return {
    format: 'loopscope-run',
    version: RUN_FORMAT_VERSION,
    loopscopeVersion: '0.1.0',
    command: [mode, ...target, ...pid],
    mode,
    startedWallMs: Date.UTC(2026, 10, 21, 10, 0, 0),
    startMonoNs: '81234567890123',
    environment: {
      kernelRelease: '6.18.0',
      arch: 'x64',
      cpuModel: 'Example CPU at 2.50GHz',
      cpuCount: 2,
      memTotalBytes: 8 * 1024 ** 3,
      hypervisor: 'KVM',
      clockSource: 'kvm-clock',
      nodeVersion: 'v26.10.0',
      effectiveUid: proc ? 1000 : 0,
    },
    capabilities: [
      { name: 'io_uring', available: true, reason: '', hides: '' },
      proc
        ? {
            name: 'bpf',
            available: false,
            reason: 'bpf(2) said EPERM: not root, and no CAP_BPF with CAP_PERFMON',
            hides: 'single cycles, stalls and their accounts',
          }
        : { name: 'bpf', available: true, reason: '', hides: '' },
      {
        name: 'hardware counters',
        available: false,
        reason: 'perf_event_open(2) said ENOENT: the virtual machine has none',
        hides: 'instructions and cache misses of a stall',
      },
    ],
    selfPids: [7000],
    watchedPids: mode === 'load' ? [] : [4240],
  };
}
