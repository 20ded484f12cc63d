/** How connections reach workers, well and badly: cases of rules.test.ts. */
import { NS_PER_MS, NS_PER_S } from '../../base/units.ts';
import type { ListenerRecord } from '../../record/observation.ts';
import type { LookAlike, Planted } from './case.ts';
import { blockedIn, quietRun, type RunBuilder } from './run-builder.ts';

type Watch = ListenerRecord['holders'][0]['watch'];

/** A listener that both workers (pids 101 and 102) hold, each with its way of watching it. */
export function listener(watches: readonly Watch[], more: Partial<ListenerRecord> = {}): ListenerRecord {
  return {
    transport: 'tcp',
    address: '127.0.0.1:8080',
    inode: 5000,
    backlog: 511,
    dropped: 0,
    holders: watches.map((watch, index) => ({ pid: 101 + index, watch })),
    sampleCount: 100,
    fullCount: 0,
    mostWaiting: 2,
    samples: [],
    ...more,
  };
}

/** Waiting connections at every look, 100 ms apart, of a time in ms. */
function waitingFrom(
  fromMs: number,
  toMs: number,
  waiting: (index: number) => number,
): ListenerRecord['samples'] {
  const samples: ListenerRecord['samples'] = [];
  for (let ms = fromMs; ms <= toMs; ms += 100) {
    samples.push({ atNs: ms * NS_PER_MS, waiting: waiting(samples.length) });
  }
  return samples;
}

const sharedByTwo = () => quietRun().observation({ listeners: [listener(['shared', 'shared'])] });

/** 2000 connections, each of which wakes both workers. */
function herd(): RunBuilder {
  const builder = sharedByTwo();
  for (const index of [0, 1]) {
    builder.window(index, {
      cycleCount: 4000,
      acceptCount: 1000,
      acceptFirstEagainCount: 300,
      voluntarySwitches: 4700,
    });
  }
  return builder;
}

/** Two sockets with one address, one for each worker; both processes may hold both. */
function reuseport(first: Partial<ListenerRecord>): RunBuilder {
  return quietRun().observation({
    listeners: [
      listener(['exclusive', 'none'], { inode: 5001, ...first }),
      listener(['none', 'exclusive'], { inode: 5002 }),
    ],
  });
}

/** The only window of a loop becomes forty, of which those between two moments are empty. */
function standStill(builder: RunBuilder, index: number, fromMs: number, toMs: number): RunBuilder {
  const observation = builder.run.observation!;
  const whole = observation.windows.find((window) => window.loopIndex === index)!;
  const parts = Array.from({ length: 40 }, (_, i) => {
    const startMs = i * 250;
    const still = startMs >= fromMs && startMs + 250 <= toMs;
    const busy = still ? 0 : 1 / 40;
    return {
      ...whole,
      startNs: startMs * NS_PER_MS,
      durationNs: 250 * NS_PER_MS,
      cycleCount: Math.round(whole.cycleCount * busy),
      eventCount: Math.round(whole.eventCount * busy),
      workNs: whole.workNs * busy,
      waitNs: still ? 0 : 240 * NS_PER_MS,
      cpuNs: whole.cpuNs * busy,
      workHistogram: i === 0 ? whole.workHistogram : [],
      eventHistogram: i === 0 ? whole.eventHistogram : [],
      overshootHistogram: [],
      timeoutCount: 0,
    };
  });
  observation.windows = [...observation.windows.filter((window) => window.loopIndex !== index), ...parts];
  return builder;
}

function stranded(): RunBuilder {
  const samples = waitingFrom(3000, 5000, (i) => i + 1);
  const builder = reuseport({ mostWaiting: 21, samples });
  return standStill(standStill(builder, 0, 2900, 5100), 1, -1, -1);
}

/** One worker has nearly all connections and works 80 % of the time. */
function uneven(accepts: [number, number], watch: Watch = 'exclusive'): RunBuilder {
  return quietRun()
    .observation({ listeners: [listener([watch, watch])] })
    .window(0, { acceptCount: accepts[0], workNs: 8 * NS_PER_S, waitNs: 2 * NS_PER_S, cpuNs: 8 * NS_PER_S })
    .window(1, {
      acceptCount: accepts[1],
      workNs: 0.1 * NS_PER_S,
      waitNs: 9.9 * NS_PER_S,
      cpuNs: 0.1 * NS_PER_S,
    });
}

export const ACCEPT_PLANTED: readonly Planted[] = [
  {
    culprit: 'accept.thundering-herd',
    name: 'two workers share a listener, and each connection wakes both',
    run: herd,
    says: [
      /127\.0\.0\.1:8080/,
      /600 workers called accept and found nobody/,
      /1400 were woken/,
      /SO_REUSEPORT/,
    ],
  },
  {
    culprit: 'accept.thundering-herd',
    name: 'the same where the kernel turned all of them back before they returned',
    run: () => {
      const builder = sharedByTwo();
      for (const index of [0, 1])
        builder.window(index, { cycleCount: 3000, acceptCount: 1000, voluntarySwitches: 4000 });
      return builder;
    },
    says: [/no trace of system calls shows/],
  },
  {
    culprit: 'accept.imbalance',
    name: 'the kernel wakes the same worker again and again',
    run: () => uneven([60, 0]),
    says: [/nginx \(pid 101\) took 60 of 60 connections/, /EPOLLEXCLUSIVE wakes whoever began to wait last/],
  },
  {
    culprit: 'accept.stranded',
    name: 'a worker with a socket of its own stands still for two seconds',
    run: stranded,
    says: [/up to 21 connections/, /nginx \(pid 101\), which stood still/, /belongs to one worker for good/],
  },
  {
    culprit: 'accept.stranded',
    name: 'the same, where the stopped worker seems to stand in the wait that the signal ended',
    run: () =>
      stranded().observation({
        stalls: quietRun().stalls(1, {
          wallMs: 2200,
          blocked: [blockedIn('epoll_pwait2', 2199)],
          more: { startNs: 2900 * NS_PER_MS },
        }).run.observation!.stalls,
      }),
    says: [/stood still/],
  },
  {
    culprit: 'accept.stranded',
    name: 'rings that accept from one socket, of which the kernel wakes the one that is stopped',
    run: () => {
      const builder = stranded();
      const [first] = builder.run.observation!.listeners!;
      const holders = [101, 102].map((pid) => ({ pid, watch: 'none' as const }));
      for (const index of [0, 1]) {
        builder.loop(index, { waitCall: 'io_uring_enter' });
        for (const window of builder.run.observation!.windows) window.acceptCount = 0;
      }
      return builder.observation({ listeners: [{ ...first!, holders }] });
    },
    says: [/nginx \(pid 101\), which stood still/],
  },
  {
    culprit: 'accept.queue-overflow',
    name: 'a backlog of 8 under a storm of connections',
    run: () =>
      quietRun()
        .host({ listenOverflows: 1000 })
        .observation({
          listeners: [
            listener(['exclusive', 'exclusive'], { backlog: 8, dropped: 900, fullCount: 40, mostWaiting: 9 }),
          ],
        }),
    says: [/900 attempts to connect/, /backlog of 8 is too small/],
  },
  {
    culprit: 'accept.queue-overflow',
    name: 'the same on a Unix socket, where nobody counts refusals',
    run: () =>
      quietRun().observation({
        listeners: [
          listener(['shared'], {
            transport: 'unix',
            address: '/run/agent.sock',
            backlog: 8,
            dropped: null,
            fullCount: 30,
            mostWaiting: 9,
          }),
        ],
      }),
    says: [/\/run\/agent\.sock was full at 30 of 100 looks/, /EAGAIN/],
  },
];

export const ACCEPT_LOOK_ALIKES: readonly LookAlike[] = [
  {
    not: 'accept.thundering-herd',
    name: 'accepting until there is nobody left: EAGAIN after a success ends the round',
    run: () => {
      const builder = sharedByTwo();
      for (const index of [0, 1]) builder.window(index, { acceptCount: 1000, acceptTailEagainCount: 1000 });
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'accept.thundering-herd',
    name: 'clients that gave up before they were accepted, on a listener that wakes one at a time',
    run: () => {
      const builder = quietRun().observation({ listeners: [listener(['exclusive', 'exclusive'])] });
      for (const index of [0, 1])
        builder.window(index, { acceptCount: 200, acceptFirstEagainCount: 100, voluntarySwitches: 30_000 });
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'accept.thundering-herd',
    name: 'workers that sleep often for other reasons, and got few connections',
    run: () => {
      const builder = sharedByTwo();
      for (const index of [0, 1]) builder.window(index, { voluntarySwitches: 40_000 });
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'accept.thundering-herd',
    name: 'a master that has the listener open and never accepts',
    run: () => {
      const builder = quietRun().observation({ listeners: [listener(['none', 'shared'])] });
      builder.window(0, { acceptCount: 0, voluntarySwitches: 40_000 });
      return builder.window(1, { acceptCount: 500 });
    },
    instead: 'healthy',
  },
  {
    not: 'accept.imbalance',
    name: 'two long-lived hot connections: dealt evenly, one asks for more',
    run: () => uneven([30, 30]),
    instead: 'healthy',
  },
  {
    not: 'accept.imbalance',
    name: 'three connections cannot be even',
    run: () => uneven([3, 0]),
    instead: 'healthy',
  },
  {
    not: 'accept.imbalance',
    name: 'uneven, but the busiest is idle as well',
    run: () =>
      quietRun()
        .observation({ listeners: [listener(['exclusive', 'exclusive'])] })
        .window(0, { acceptCount: 50 })
        .window(1, { acceptCount: 0 }),
    instead: 'healthy',
  },
  {
    not: 'accept.imbalance',
    name: 'a dispatcher that accepts for all: only its process listens',
    run: () => uneven([60, 0]).observation({ listeners: [listener(['shared'])] }),
    instead: 'healthy',
  },
  {
    not: 'accept.stranded',
    name: 'the sockets of both workers fill: nobody has time',
    run: () => {
      const builder = stranded();
      const listeners = builder.run.observation!.listeners!;
      listeners[1]!.samples = listeners[0]!.samples;
      return builder;
    },
  },
  {
    not: 'accept.stranded',
    name: 'the worker’s own stall has a name: it waits for its disk',
    run: () => {
      const builder = stranded();
      return builder
        .response([
          [0.2, 18_000],
          [1500, 2000],
        ])
        .observation({
          stalls: [
            ...quietRun().stalls(1, {
              wallMs: 2200,
              blocked: [blockedIn('fsync', 2198, { uninterruptible: true, fdPath: '/var/log/app' })],
              more: { startNs: 2900 * NS_PER_MS },
            }).run.observation!.stalls,
          ],
        });
    },
    instead: 'io.fsync',
  },
  {
    not: 'accept.queue-overflow',
    name: 'stray packets that a listening socket dropped',
    run: () => quietRun().observation({ listeners: [listener(['exclusive', 'exclusive'], { dropped: 40 })] }),
    instead: 'healthy',
  },
  {
    not: 'accept.queue-overflow',
    name: 'another server’s queue on the same host overflowed',
    run: () =>
      quietRun()
        .observation({ listeners: [listener(['exclusive', 'exclusive'])] })
        .host({ listenOverflows: 5000, listenDrops: 5000 }),
    instead: 'healthy',
  },
  {
    not: 'accept.queue-overflow',
    name: 'a slow loop lets its queue fill: the stall is the fault, this its consequence',
    run: () =>
      quietRun()
        .response([
          [0.2, 14_000],
          [50, 6000],
        ])
        .stalls(60, { wallMs: 50, blocked: [blockedIn('nanosleep', 49)] })
        .host({ listenOverflows: 900 })
        .observation({
          listeners: [listener(['exclusive', 'exclusive'], { dropped: 900, mostWaiting: 512 })],
        }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'accept.queue-overflow',
    name: 'a queue that is full for a moment at the start',
    run: () =>
      quietRun().observation({
        listeners: [
          listener(['shared'], { transport: 'unix', dropped: null, fullCount: 1, mostWaiting: 512 }),
        ],
      }),
    instead: 'healthy',
  },
];
