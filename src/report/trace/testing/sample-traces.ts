/** Made-up traces with names that mean no good. For tests only. */
import type { FunctionTrace, SchedTrace, SyscallTrace, TraceBase } from '../../../record/trace.ts';

export const HOSTILE = '<img src=x>\u001b[31m"&\n';

function bucketsWith(counts: Record<number, number>): number[] {
  const buckets = Array<number>(168).fill(0);
  for (const [bucket, count] of Object.entries(counts)) buckets[Number(bucket)] = count;
  return buckets;
}

function sampleBase(): TraceBase {
  return {
    subject: 'nginx',
    pids: [4241],
    follow: true,
    startedAtMs: 1_750_000_000_000,
    durationNs: 10e9,
    endedEarly: null,
    births: 0,
    losses: { threads: 0, rows: 0, unchargedNs: 0, skipped: 0, unprobedChildren: 0 },
    cost: { programs: [{ name: 'on_call', runNs: 2e6, runCount: 40_000 }], sampledShare: 0.1 },
    notes: [],
  };
}

export function sampleSyscalls(): SyscallTrace {
  const empty = { errors: 0, errnos: [], beganBefore: 0, inFlight: 0, inFlightNsMax: 0, neverReturned: 0 };
  return {
    ...sampleBase(),
    kind: 'syscalls',
    rows: [
      {
        ...empty,
        number: 232,
        name: 'epoll_wait',
        calls: 100,
        ns: 9e9,
        offCpuNs: 8.9e9,
        maxNs: 5e8,
        buckets: bucketsWith({ 80: 60, 90: 40 }),
        beganBefore: 1,
        inFlight: 1,
        inFlightNsMax: 2e6,
      },
      {
        ...empty,
        number: 45,
        name: 'recvfrom',
        calls: 23,
        errors: 11,
        ns: 46_000,
        offCpuNs: 0,
        maxNs: 9000,
        buckets: bucketsWith({ 40: 23 }),
        errnos: [
          { name: 'EAGAIN', count: 10 },
          { name: 'ECONNRESET', count: 1 },
        ],
      },
      {
        ...empty,
        number: 60,
        name: 'exit',
        calls: 0,
        ns: 0,
        offCpuNs: 0,
        maxNs: 0,
        buckets: [],
        neverReturned: 2,
      },
    ],
    threads: [
      {
        pid: 4241,
        tid: 4241,
        comm: HOSTILE,
        ended: false,
        calls: 123,
        errors: 11,
        ns: 9e9,
        offCpuNs: 8e9,
        inCall: { name: 'epoll_wait', ns: 2e6 },
      },
    ],
  };
}

export function sampleSched(): SchedTrace {
  return {
    ...sampleBase(),
    kind: 'sched',
    threads: [
      {
        pid: 4241,
        tid: 4242,
        comm: 'nginx',
        ended: false,
        runNs: 4e9,
        waitNs: 1e9,
        blockedNs: 5e9,
        voluntary: 100,
        involuntary: 7,
        migrations: 2,
        wakeups: 100,
        waits: 107,
        waitMaxNs: 3e8,
        wakeMaxNs: 1e6,
        waitBuckets: bucketsWith({ 60: 107 }),
        wakeBuckets: bucketsWith({ 58: 100 }),
      },
    ],
    rivals: [
      {
        tid: 4242,
        cpu: 1,
        rivalPid: 77,
        rivalTid: 77,
        comm: HOSTILE,
        kernelThread: false,
        traced: false,
        ns: 6e8,
        turns: 9,
      },
      {
        tid: 4242,
        cpu: 0,
        rivalPid: 77,
        rivalTid: 78,
        comm: 'other',
        kernelThread: false,
        traced: false,
        ns: 3e8,
        turns: 4,
      },
      {
        tid: 4242,
        cpu: 0,
        rivalPid: 0,
        rivalTid: 0,
        comm: 'idle',
        kernelThread: true,
        traced: false,
        ns: 1e8,
        turns: 5,
      },
    ],
  };
}

export function sampleFunctions(): FunctionTrace {
  const row = {
    file: 'nginx',
    calls: 23,
    returns: 23,
    ns: 46e6,
    inclusiveNs: 46e6,
    inclusiveOffCpuNs: 1e6,
    exclusiveNs: 40e6,
    exclusiveOffCpuNs: 1e6,
    maxNs: 4e6,
    buckets: bucketsWith({ 80: 23 }),
    exclusiveBuckets: bucketsWith({ 79: 23 }),
    recursive: 0,
    tooDeep: 0,
    abandoned: 0,
    beganBefore: 0,
    inFlight: 0,
    inFlightNsMax: 0,
  };
  return {
    ...sampleBase(),
    kind: 'functions',
    rows: [
      { ...row, name: 'outer' },
      {
        ...row,
        name: HOSTILE,
        inclusiveNs: 6e6,
        exclusiveNs: 6e6,
        abandoned: 2,
        recursive: 3,
        tooDeep: 1,
        inFlight: 1,
      },
    ],
    edges: [
      { caller: -1, callee: 0, calls: 23, ns: 46e6 },
      { caller: 0, callee: 1, calls: 23, ns: 6e6 },
      { caller: 1, callee: 1, calls: 3, ns: 1e6 },
    ],
    threads: [{ pid: 4241, tid: 4241, comm: 'nginx', ended: false, calls: 46 }],
  };
}
