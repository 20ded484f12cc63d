/**
 * One planted fault for each culprit: cases of rules.test.ts. The numbers follow what such faults look like on a
 * two-CPU machine.
 */

import { NS_PER_MS, NS_PER_S } from '../../base/units.ts';
import { ACCEPT_PLANTED } from './accept-cases.ts';
import type { Planted } from './case.ts';
import { blockedIn, quietRun, SELF_PID } from './run-builder.ts';
import { SERVER_PLANTED } from './server-cases.ts';
import { asleep, HOG, heavyNode, hogOnOneCore, late, overload } from './situations.ts';

export const PLANTED: readonly Planted[] = [
  ...ACCEPT_PLANTED,
  ...SERVER_PLANTED,
  {
    culprit: 'healthy',
    name: 'a quiet server',
    run: quietRun,
    says: [/2 loops were on time/, /none over 2\.00 ms/],
  },
  {
    culprit: 'healthy',
    name: 'a few hiccups of the host',
    run: () =>
      quietRun()
        .stalls(3, { kind: 'wait', wallMs: 8, stealMs: 7 })
        .stalls(2, { wallMs: 5, contended: [[77, 'sshd', 4.5]] })
        .hostSteal(60),
    says: [/5 over 2\.00 ms/],
  },
  {
    culprit: 'unexplained',
    name: 'long turns that no counter accounts for',
    run: () => late(quietRun(), 20, 0.1).stalls(60, { wallMs: 20, userMs: 0.1 }),
    says: [/no cause this tool can prove/, /no counter accounts for/],
  },
  {
    culprit: 'unexplained',
    name: 'an idle process',
    run: () => asleep(quietRun().undriven()),
    says: [/all 2 loops slept through the watch/, /0 cycles and no CPU time/],
  },
  {
    culprit: 'unexplained',
    name: 'an idle process, seen from /proc alone',
    run: () => asleep(quietRun().undriven()).observation({ tier: 'proc' }),
    says: [/slept through the watch/],
  },
  {
    culprit: 'unexplained',
    name: 'load that another process answers',
    run: () => asleep(quietRun()),
    says: [/another process answered/, /requests were answered meanwhile/],
  },
  {
    culprit: 'unexplained',
    name: 'loops that run without a cycle',
    run: () => {
      const builder = quietRun().undriven();
      for (const window of builder.run.observation!.windows) window.cycleCount = 0;
      return builder;
    },
    says: [/no cycle ended in this run/],
  },
  {
    culprit: 'healthy',
    name: 'one worker does it all, the other sleeps',
    run: () => asleep(quietRun(), 1),
    says: [/1 of 2 loops was on time; the other slept throughout/],
  },
  {
    culprit: 'unexplained',
    name: 'late replies from loops that were on time',
    run: () => late(quietRun(), 200, 0.03),
    says: [/loops were not late/],
  },
  {
    culprit: 'unexplained',
    name: 'a server that resets connections',
    run: () =>
      quietRun()
        .counts({ ok: 15_000, error: 5_000 })
        .load({ errorsByKind: { 'reset by peer': 5_000 } }),
    says: [/25 % of requests ended in errors or timeouts/, /reset by peer/],
  },
  {
    culprit: 'client.saturated',
    name: 'a client with a CPU quota of 20 %',
    run: () => {
      const builder = late(quietRun(), 90, 0.5)
        .lateness([[80, 20_000]])
        .counts({ planned: 30_000, ok: 20_000, unsent: 10_000 });
      builder.run.load!.client.throttledNs = 7.8 * NS_PER_S;
      return builder;
    },
    says: [/could not keep its own schedule/, /quota stopped its threads for 7\.80 s/],
  },
  {
    culprit: 'client.saturated',
    name: 'one connection for a rate it cannot carry',
    run: () => {
      const load = { inFlight: { mean: 1, max: 1, limit: 1 } };
      const builder = quietRun().counts({ planned: 40_000, ok: 20_000, unsent: 20_000 }).load(load);
      builder.run.load!.plan.connectionCount = 1;
      return builder.lateness([[500, 20_000]]);
    },
    says: [/1 connection cannot carry/, /--connections/],
  },
  {
    culprit: 'client.synchronised',
    name: 'lock-step that was asked for',
    run: () => {
      const builder = quietRun().window(0, {
        cycleCount: 500,
        eventCount: 10_000,
        eventHistogram: [[20, 500]],
      });
      const load = builder.run.load!;
      load.plan.arrival = 'synced';
      Object.assign(load.arrivals, {
        idc1ms: 38,
        idc10ms: 25,
        idc100ms: 1,
        shortGapShare: 0.97,
        maxIn1ms: 50,
      });
      load.arrivals.planned = { idc1ms: 40, idc10ms: 26, idc100ms: 1 };
      return builder;
    },
    says: [/lock-step/, /Up to 50 requests/, /20\.0 events a wake-up/],
  },
  {
    culprit: 'client.synchronised',
    name: 'lock-step that was asked for, and workers that queue for the CPU in its bursts',
    run: () => {
      const builder = late(quietRun(), 4, 0.3)
        .neighbour({ pid: HOG, comm: 'burn', cpuNs: 2 * NS_PER_S })
        .stalls(100, { kind: 'wait', wallMs: 4, contended: [[HOG, 'burn', 3.9]] });
      const load = builder.run.load!;
      load.plan.arrival = 'synced';
      Object.assign(load.arrivals, {
        idc1ms: 38,
        idc10ms: 25,
        idc100ms: 1,
        shortGapShare: 0.97,
        maxIn1ms: 50,
      });
      return builder;
    },
    says: [/lock-step/],
  },
  {
    culprit: 'client.synchronised',
    name: 'lock-step that nobody asked for',
    run: () => {
      const builder = quietRun();
      Object.assign(builder.run.load!.arrivals, {
        idc10ms: 24,
        idc1ms: 12,
        shortGapShare: 0.93,
        maxIn1ms: 40,
      });
      return builder;
    },
    says: [/lock-step/],
  },
  {
    culprit: 'observer.overhead',
    name: 'the client’s threads on the worker’s core',
    run: () =>
      late(quietRun(), 4, 0.2).stalls(300, { kind: 'wait', wallMs: 3, contended: [[SELF_PID, 'node', 2.9]] }),
    says: [/loopscope’s own threads/, /CPUs of its own/],
  },
  {
    culprit: 'observer.ptrace',
    name: 'strace attached',
    run: () => quietRun().loop(0, { tracerPid: 555 }).neighbour({ pid: 555, comm: 'strace', cpuNs: 1e9 }),
    says: [/strace \(pid 555\) is tracing/],
  },
  {
    culprit: 'observer.ptrace',
    name: 'a debugger that came, looked and went',
    run: () => late(quietRun(), 300, 0.2).stalls(3, { wallMs: 300, blocked: [blockedIn('traced', 299.5)] }),
    says: [/was stopped by a tracer, 300 ms at a time/],
  },
  {
    culprit: 'cpu.contended',
    name: 'a busy process on the worker’s core',
    run: hogOnOneCore,
    says: [/burn \(pid 4242\)/, /late wake-ups/, /pinned to CPU 0/],
  },
  {
    culprit: 'cpu.contended',
    name: 'delays below the budget, known from counters and CPU totals only',
    run: () =>
      hogOnOneCore()
        .observation({ stalls: [], budgetNs: 10 * NS_PER_MS })
        .window(0, { runDelayNs: 6 * NS_PER_S, voluntarySwitches: 4000, involuntarySwitches: 500 }),
    says: [/burn \(pid 4242\)/, /inferred/],
  },
  {
    culprit: 'cpu.contended',
    name: 'a sibling worker on the same core, and said to be one',
    run: () =>
      late(quietRun(), 4, 0.3).stalls(400, { kind: 'wait', wallMs: 3, contended: [[102, 'nginx', 2.9]] }),
    says: [/nginx \(pid 102\), a worker of the same server/, /no more busy workers than CPUs/],
  },
  {
    culprit: 'cpu.preempted',
    name: 'a busy process that pushes the worker aside in mid-work',
    run: () =>
      hogOnOneCore()
        .observation({ stalls: [] })
        .stalls(300, { wallMs: 5, userMs: 1, contended: [[HOG, 'burn', 3.9]] })
        .stalls(100, { kind: 'wait', wallMs: 3, contended: [[HOG, 'burn', 2.9]] }),
    says: [/burn \(pid 4242\)/, /in the middle of its work/, /late wake-ups/],
  },
  {
    culprit: 'cpu.kernel-thread',
    name: 'khugepaged on the worker’s core',
    run: () =>
      late(quietRun(), 12, 0.1).stalls(60, {
        wallMs: 12,
        userMs: 0.5,
        contended: [[33, 'khugepaged', 11, true]],
      }),
    says: [/khugepaged \(pid 33\)/, /transparent huge pages/],
  },
  {
    culprit: 'cpu.throttled',
    name: 'a quota of 20 %',
    run: () =>
      late(quietRun(), 60, 0.4)
        .loop(0, { cpuQuota: 0.2 })
        .loop(1, { cpuQuota: 0.2 })
        .stalls(60, { wallMs: 80, userMs: 5, idleMs: 74 })
        .throttled(4_400, 60),
    says: [/quota of 0\.20 CPUs/, /\/web/, /60 of 100 periods/],
  },
  {
    culprit: 'cpu.throttled',
    name: 'a quota whose gaps a neighbour fills',
    run: () =>
      late(quietRun(), 60, 0.4)
        .neighbour({ pid: HOG, comm: 'burn', cpuNs: 8 * NS_PER_S })
        .stalls(60, { kind: 'wait', wallMs: 80, contended: [[HOG, 'burn', 60]], idleMs: 20 })
        .throttled(4_800, 60),
    says: [/quota/],
  },
  {
    culprit: 'cpu.steal',
    name: 'a hypervisor that takes a tenth of the time',
    run: () =>
      late(quietRun(), 12, 0.1).stalls(100, { wallMs: 11, userMs: 0.5, stealMs: 10 }).hostSteal(1500),
    says: [/hypervisor/, /7 % of all CPU time/],
  },
  {
    culprit: 'loop.heavy-handler',
    name: 'a handler that computes 30 ms',
    run: heavyNode,
    says: [/30\.\d ms in one turn/, /burnCpu/],
  },
  {
    culprit: 'loop.heavy-handler',
    name: 'every handler computes 15 ms',
    run: () =>
      late(quietRun(), 20, 0.9)
        .window(0, {
          cycleCount: 0,
          eventCount: 0,
          workNs: 0,
          workHistogram: [[90, 400]],
          eventHistogram: [[1, 400]],
        })
        .stalls(400, { wallMs: 15, userMs: 14.8 }),
    says: [/computed for/],
  },
  {
    culprit: 'loop.saturated',
    name: 'ten times what the server can do',
    run: () => overload(quietRun()),
    says: [/worked 99 % of the time/, /10 %/],
  },
  {
    culprit: 'loop.saturated',
    name: 'ten times what the server can do, of which the hypervisor takes a quarter',
    run: () => overload(quietRun()).window(1, { cpuNs: 0.5e9 }).stalls(200, { wallMs: 13, stealMs: 12.5 }),
    says: [/and more was offered/, /10 %/],
  },
  {
    culprit: 'loop.too-many-events',
    name: 'bursts of two hundred events at their usual cost',
    run: () =>
      late(quietRun(), 10, 0.1).stalls(60, { wallMs: 10, userMs: 5, systemMs: [['', 4.8]], events: 200 }),
    says: [/200 events in one turn where 1 is usual/],
  },
  {
    culprit: 'io.fsync',
    name: 'write and fsync of 8 MB in a handler',
    run: () =>
      late(quietRun(), 40, 0.3).stalls(100, {
        wallMs: 40,
        userMs: 1,
        systemMs: [['write', 6]],
        blocked: [blockedIn('fsync', 32, { fd: 20, fdPath: '/var/lib/app/journal', uninterruptible: true })],
      }),
    says: [/fsync on \/var\/lib\/app\/journal \(fd 20\)/, /600 ms \(16 % of this\) is CPU time/],
  },
  {
    culprit: 'io.disk',
    name: 'a cold read inside a turn',
    run: () =>
      late(quietRun(), 30, 0.1).stalls(50, {
        wallMs: 30,
        userMs: 0.3,
        blocked: [blockedIn('pread64', 29, { fd: 9, fdPath: '/cache/7f/a1', uninterruptible: true })],
      }),
    says: [/pread64 on \/cache\/7f\/a1/, /aio threads/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'DEBUG SLEEP 0.05 once a second',
    run: () =>
      late(quietRun(), 50, 0.05).stalls(10, {
        wallMs: 50.1,
        userMs: 0.05,
        blocked: [blockedIn('clock_nanosleep', 50)],
      }),
    says: [/clock_nanosleep/, /50\.0 ms at a time/, /timer of the loop/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'the same, with some stalls seen by counters only',
    run: () =>
      late(quietRun(), 50, 0.05)
        .stalls(4, { wallMs: 50, blocked: [blockedIn('unknown', 49.9)], more: { detail: 'counters' } })
        .stalls(6, { wallMs: 50.1, blocked: [blockedIn('clock_nanosleep', 50)] }),
    says: [/clock_nanosleep/, /inferred/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'a blocking look-up of a name',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(40, {
        wallMs: 20,
        blocked: [blockedIn('poll', 19.8, { fd: 5, fdPath: 'socket:udp 127.0.0.53:53' })],
      }),
    says: [/poll on socket:udp 127\.0\.0\.53:53/, /asynchronous resolver/],
  },
  {
    culprit: 'block.lock',
    name: 'a lock that another thread holds',
    run: () =>
      late(quietRun(), 15, 0.1).stalls(60, {
        wallMs: 15,
        userMs: 0.2,
        blocked: [blockedIn('futex', 14.7, { waker: { pid: 101, comm: 'log-writer' } })],
      }),
    says: [/log-writer \(pid 101\)/, /futex/],
  },
  {
    culprit: 'memory.major-fault',
    name: 'a server that was swapped out',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(50, {
        wallMs: 20,
        userMs: 0.5,
        blocked: [blockedIn('page-fault', 19, { uninterruptible: true, count: 4 })],
        more: { majorFaults: 4 },
      }),
    says: [/200 major faults in 50 stalls/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'stopped by a signal, until somebody let it go on',
    run: () =>
      late(quietRun(), 1000, 0.2).stalls(1, {
        wallMs: 2000,
        blocked: [blockedIn('stopped', 1999, { waker: { pid: 777, comm: 'scheduler' } })],
      }),
    says: [/was stopped by a signal, 2\.00 s at a time/, /let go on by scheduler \(pid 777\)/, /SIGSTOP/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'frozen with its cgroup',
    run: () => late(quietRun(), 1000, 0.2).stalls(1, { wallMs: 2000, blocked: [blockedIn('frozen', 1999)] }),
    says: [/was frozen with its cgroup/, /docker pause/],
  },
  {
    culprit: 'block.synchronous-call',
    name: 'one hang of two seconds is enough',
    run: () => late(quietRun(), 1000, 0.2).stalls(1, { wallMs: 2000, blocked: [blockedIn('connect', 1999)] }),
    says: [/connect/],
  },
];
