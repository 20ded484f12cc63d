/** Faults that look like another one and must not get its name: cases of rules.test.ts. */

import { NS_PER_S } from '../../base/units.ts';
import { ACCEPT_LOOK_ALIKES } from './accept-cases.ts';
import type { LookAlike } from './case.ts';
import { blockedIn, quietRun, SELF_PID } from './run-builder.ts';
import { SERVER_LOOK_ALIKES } from './server-cases.ts';
import { HOG, heavyNode, hogOnOneCore, late, overload } from './situations.ts';

export const LOOK_ALIKES: readonly LookAlike[] = [
  ...ACCEPT_LOOK_ALIKES,
  ...SERVER_LOOK_ALIKES,
  {
    not: 'healthy',
    name: 'an observation that saw nothing',
    run: () => {
      const builder = quietRun().undriven().observation({ windows: [] });
      return builder;
    },
    instead: 'unexplained',
  },
  {
    not: 'unexplained',
    name: 'one long turn nobody can account for is not a verdict',
    run: () => quietRun().stalls(1, { wallMs: 30 }),
    instead: 'healthy',
  },
  {
    not: 'client.saturated',
    name: 'the server is slow, the client has CPU to spare: sends wait for connections',
    run: () =>
      heavyNode()
        .lateness([
          [0.01, 14_000],
          [25, 6_000],
        ])
        .load({ inFlight: { mean: 20, max: 50, limit: 50 } }),
    instead: 'loop.heavy-handler',
  },
  {
    not: 'client.saturated',
    name: 'spinning before deadlines is chosen, not needed',
    run: () => {
      const builder = quietRun();
      Object.assign(builder.run.load!.client.threads[0]!, { userNs: 9e9, systemNs: 0.9e9, spinNs: 8e9 });
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'client.synchronised',
    name: 'Poisson arrivals at the same rate',
    run: quietRun,
    instead: 'healthy',
  },
  {
    not: 'client.synchronised',
    name: 'lock-step that was asked for, but the handlers sleep',
    run: () => {
      const builder = late(quietRun(), 50, 0.3).stalls(60, {
        wallMs: 50,
        blocked: [blockedIn('nanosleep', 50)],
      });
      builder.run.load!.plan.arrival = 'synced';
      Object.assign(builder.run.load!.arrivals, {
        idc1ms: 38,
        idc10ms: 25,
        shortGapShare: 0.97,
        maxIn1ms: 50,
      });
      return builder;
    },
    instead: 'block.synchronous-call',
  },
  {
    not: 'client.synchronised',
    name: 'bursts that follow the server’s own stalls',
    run: () => {
      const builder = heavyNode().load({ inFlight: { mean: 20, max: 50, limit: 50 } });
      Object.assign(builder.run.load!.arrivals, { idc10ms: 22, shortGapShare: 0.9, maxIn1ms: 50 });
      return builder;
    },
    instead: 'loop.heavy-handler',
  },
  {
    not: 'observer.overhead',
    name: 'somebody else’s node on the worker’s core',
    run: () =>
      late(quietRun(), 4, 0.2).stalls(300, { kind: 'wait', wallMs: 3, contended: [[7777, 'node', 2.9]] }),
    instead: 'cpu.contended',
  },
  {
    not: 'observer.ptrace',
    name: 'a debugger is running, attached to nobody',
    run: () => quietRun().neighbour({ pid: 555, comm: 'gdb', cpuNs: 1e9 }),
    instead: 'healthy',
  },
  {
    not: 'observer.ptrace',
    name: 'stopped by a signal, as a shell’s job control does',
    run: () => late(quietRun(), 1000, 0.2).stalls(1, { wallMs: 2000, blocked: [blockedIn('stopped', 1999)] }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'wait.timer-slack',
    name: 'a timed wait far later than its slack, behind another process',
    run: () =>
      late(quietRun(), 12, 0.2)
        .neighbour({ pid: HOG, comm: 'burn', cpuNs: 5e9 })
        .stalls(100, {
          kind: 'wait',
          wallMs: 12,
          contended: [[HOG, 'burn', 11.8]],
          more: { requestedTimeoutNs: 5e6, allowedSlackNs: 50_000 },
        }),
    instead: 'cpu.contended',
  },
  {
    not: 'cpu.contended',
    name: 'long timed waits within their slack',
    run: () =>
      quietRun().stalls(20, {
        kind: 'wait',
        wallMs: 59,
        more: { requestedTimeoutNs: 60e9, allowedSlackNs: 60e6 },
      }),
    instead: 'healthy',
  },
  {
    not: 'cpu.contended',
    name: 'a quota: the CPU was idle while the loop could not run',
    run: () =>
      late(quietRun(), 60, 0.4).stalls(60, { kind: 'wait', wallMs: 80, idleMs: 80 }).throttled(4_700, 60),
    instead: 'cpu.throttled',
  },
  {
    not: 'cpu.throttled',
    name: 'a quota that hardly bites beside a busy neighbour',
    run: () => hogOnOneCore().throttled(60, 5),
    instead: 'cpu.contended',
  },
  {
    not: 'cpu.contended',
    name: 'the process that ran instead is loopscope',
    run: () =>
      late(quietRun(), 4, 0.02).stalls(40, { kind: 'wait', wallMs: 3, contended: [[SELF_PID, 'node', 2.9]] }),
    instead: 'healthy',
  },
  {
    not: 'cpu.preempted',
    name: 'workers in each other’s way because the tool’s own load fills the machine',
    run: () => {
      const builder = quietRun()
        .stalls(100, { wallMs: 6, contended: [[102, 'nginx', 5.8]] })
        .stalls(100, { wallMs: 6, loop: 1, contended: [[101, 'nginx', 5.8]] });
      builder.run.load!.plan.arrival = 'closed';
      for (const cpu of builder.run.observation!.host[1]!.cpus) cpu.idleNs = NS_PER_S;
      return builder;
    },
    instead: 'healthy',
  },
  {
    not: 'cpu.preempted',
    name: 'preempted by a kernel thread',
    run: () =>
      late(quietRun(), 12, 0.1).stalls(60, {
        wallMs: 12,
        userMs: 1,
        contended: [[20, 'ksoftirqd/0', 10, true]],
      }),
    instead: 'cpu.kernel-thread',
  },
  {
    not: 'cpu.kernel-thread',
    name: 'a process that calls itself kworker',
    run: () =>
      hogOnOneCore()
        .observation({ stalls: [] })
        .stalls(300, { kind: 'wait', wallMs: 3, contended: [[HOG, 'kworker/0:1', 2.9]] }),
    instead: 'cpu.contended',
  },
  {
    not: 'cpu.steal',
    name: 'the same stalls without steal are the handler’s',
    run: () => late(quietRun(), 12, 0.1).stalls(100, { wallMs: 11, userMs: 10.5 }),
    instead: 'loop.heavy-handler',
  },
  {
    not: 'loop.heavy-handler',
    name: 'the handler is short, the hypervisor stretches it',
    run: () => late(quietRun(), 12, 0.1).stalls(100, { wallMs: 11, userMs: 0.5, stealMs: 10 }),
    instead: 'cpu.steal',
  },
  {
    not: 'loop.heavy-handler',
    name: 'counted as running, but the sampling clock stood still too',
    run: () =>
      late(quietRun(), 12, 0.1)
        .stalls(1, {
          wallMs: 5,
          userMs: 4.9,
          more: { stacks: [{ count: 4, inKernel: false, frames: ['f'] }] },
        })
        .stalls(80, { wallMs: 12, userMs: 11.8 })
        .hostSteal(1000),
    instead: 'cpu.steal',
  },
  {
    not: 'loop.heavy-handler',
    name: 'many events, each as cheap as ever',
    run: () => late(quietRun(), 10, 0.1).stalls(60, { wallMs: 10, userMs: 9, events: 190 }),
    instead: 'loop.too-many-events',
  },
  {
    not: 'loop.too-many-events',
    name: 'one expensive event in a crowd',
    run: () => late(quietRun(), 34, 0.3).stalls(100, { wallMs: 34, userMs: 33, events: 60 }),
    instead: 'loop.heavy-handler',
  },
  {
    not: 'loop.heavy-handler',
    name: 'a handler that sleeps for as long',
    run: () =>
      late(quietRun(), 30, 0.3).stalls(200, {
        wallMs: 31,
        userMs: 0.1,
        blocked: [blockedIn('nanosleep', 30)],
      }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'loop.saturated',
    name: 'a closed loop keeps the server busy by design',
    run: () => {
      const builder = overload(quietRun()).counts({
        planned: 100_000,
        ok: 99_950,
        unsent: 0,
        unfinished: 50,
      });
      builder.run.load!.plan.arrival = 'closed';
      return builder.response([[1, 99_950]]).lateness([]);
    },
    instead: 'healthy',
  },
  {
    not: 'loop.saturated',
    name: 'always busy because it always waits for fsync',
    run: () =>
      overload(quietRun())
        .window(0, { cpuNs: 1e9 })
        .window(1, { cpuNs: 0.5e9 })
        .stalls(200, { wallMs: 40, blocked: [blockedIn('fsync', 39.5, { uninterruptible: true })] }),
    instead: 'io.fsync',
  },
  {
    not: 'loop.saturated',
    name: 'what the hypervisor took is what it lacked',
    run: () =>
      overload(quietRun())
        .window(1, { cpuNs: 0.5e9 })
        .stalls(200, { wallMs: 13, stealMs: 12.5 })
        .counts({ planned: 120_000, ok: 100_000, unsent: 19_950, unfinished: 50 }),
    instead: 'cpu.steal',
  },
  {
    not: 'loop.saturated',
    name: 'busy, but still keeping up',
    run: () => quietRun().window(0, { workNs: 9.8e9, waitNs: 0.2e9, cpuNs: 9.7e9 }),
    instead: 'healthy',
  },
  {
    not: 'io.fsync',
    name: 'the same long write without a sync',
    run: () =>
      late(quietRun(), 40, 0.3).stalls(100, {
        wallMs: 40,
        blocked: [blockedIn('write', 38, { fd: 20, fdPath: '/var/log/access.log', uninterruptible: true })],
      }),
    instead: 'io.disk',
  },
  {
    not: 'io.disk',
    name: 'a read that waits for a peer, not for a disk',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(50, {
        wallMs: 20,
        blocked: [blockedIn('read', 19.5, { fd: 8, fdPath: 'socket:[1234]' })],
      }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'block.synchronous-call',
    name: 'a disk read: uninterruptible, on a file',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(50, {
        wallMs: 20,
        blocked: [blockedIn('read', 19.5, { fd: 8, fdPath: '/srv/data', uninterruptible: true })],
      }),
    instead: 'io.disk',
  },
  {
    not: 'block.lock',
    name: 'a timed wait: its end interrupted some other process',
    run: () =>
      late(quietRun(), 15, 0.1).stalls(60, {
        wallMs: 15,
        blocked: [blockedIn('futex', 14.7, { waker: { pid: HOG, comm: 'burn' } })],
      }),
    instead: 'block.synchronous-call',
  },
  {
    not: 'block.lock',
    name: 'a page fault that reads from disk',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(50, {
        wallMs: 20,
        blocked: [blockedIn('page-fault', 19, { uninterruptible: true })],
        more: { majorFaults: 1 },
      }),
    instead: 'memory.major-fault',
  },
  {
    not: 'memory.major-fault',
    name: 'a page fault that waits for the address space, reading nothing',
    run: () =>
      late(quietRun(), 20, 0.1).stalls(50, {
        wallMs: 20,
        blocked: [blockedIn('page-fault', 19, { uninterruptible: true })],
      }),
    instead: 'unexplained',
  },
];
