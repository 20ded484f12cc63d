import type { Prng } from '../../base/prng.ts';
import { NS_PER_MS, NS_PER_US } from '../../base/units.ts';
import type { Stall, StallAccount } from '../../record/observation.ts';

export type StallScenario = 'contended' | 'fsync' | 'healthy';

/** Names meant to break out of a page, a terminal and a line. comm has 15 bytes; command lines and paths have no limit. */
export const HOSTILE_NAMES = [
  '<img src=x onerror="window.pwned=1">',
  '</script><script>window.pwned=1</script>',
  '\u001b[2J\u001b[31mgone\u0007',
  'a\nb\r\u202egnp.exe',
] as const;

const COMPETITORS = [
  { pid: 991, comm: 'stress-ng-cpu', kernelThread: false, part: 0.86 },
  { pid: 47, comm: 'kworker/1:2-ev', kernelThread: true, part: 0.09 },
  { pid: 4243, comm: 'nginx', kernelThread: false, part: 0.05 },
];

/** Stalls of a scenario in order of time; a few in each second, never two at once on one loop. */
export function plantStalls(
  prng: Prng,
  scenario: StallScenario,
  durationNs: number,
  loopCount: number,
  hostile: boolean,
): Stall[] {
  const stalls: Stall[] = [];
  if (scenario === 'healthy') return stalls;
  let atNs = 400 * NS_PER_MS;
  for (let i = 0; ; i++) {
    atNs += 40 * NS_PER_MS + prng.exponential(110 * NS_PER_MS);
    const wallNs = Math.round((scenario === 'fsync' ? 22 : 8) * NS_PER_MS + prng.exponential(7 * NS_PER_MS));
    if (atNs + wallNs > durationNs - 200 * NS_PER_MS) return stalls;
    const loopIndex = scenario === 'fsync' ? 0 : prng.below(loopCount);
    const make = scenario === 'fsync' ? fsyncStall : contendedStall;
    stalls.push(make(prng, i, loopIndex, Math.round(atNs), wallNs, hostile));
    atNs += wallNs;
  }
}

function contendedStall(
  prng: Prng,
  i: number,
  loopIndex: number,
  startNs: number,
  wallNs: number,
  hostile: boolean,
): Stall {
  const late = prng.next() < 0.3;
  const userNs = late ? 0 : Math.round(90 * NS_PER_US + prng.exponential(60 * NS_PER_US));
  const writevNs = late ? 0 : Math.round(prng.exponential(40 * NS_PER_US));
  const unexplainedNs = Math.round(wallNs * (0.005 + 0.02 * prng.next()));
  const totalNs = wallNs - userNs - writevNs - unexplainedNs;
  const contended = COMPETITORS.map((who, index) => ({
    pid: who.pid,
    comm: hostile ? (HOSTILE_NAMES[index] ?? who.comm) : who.comm,
    kernelThread: who.kernelThread,
    ns: Math.round(totalNs * who.part * (index === 0 ? 1 : prng.next())),
  })).filter((who) => who.ns > 1000);
  const named = contended.reduce((sum, who) => sum + who.ns, 0);
  const account: StallAccount = {
    userNs,
    system: writevNs > 0 ? [{ call: 'writev', ns: writevNs }] : [],
    irqNs: 0,
    stealNs: 0,
    runQueue: { totalNs, contended, idleNs: 0, throttledNs: 0, unknownNs: totalNs - named },
    blocked: [],
    unexplainedNs,
  };
  return {
    ...common(prng, loopIndex, startNs, wallNs, account, i),
    kind: late ? 'wait' : 'work',
    requestedTimeoutNs: late ? 5 * NS_PER_MS : null,
    allowedSlackNs: late ? 50 * NS_PER_US : 0,
    involuntarySwitches: late ? 0 : 1 + prng.below(3),
    stacks: late
      ? []
      : [
          {
            count: 1 + prng.below(3),
            inKernel: false,
            frames: ['ngx_http_core_run_phases', 'ngx_http_process_request', 'ngx_epoll_process_events'],
          },
        ],
  };
}

function fsyncStall(
  prng: Prng,
  i: number,
  loopIndex: number,
  startNs: number,
  wallNs: number,
  hostile: boolean,
): Stall {
  const userNs = Math.round(400 * NS_PER_US + prng.exponential(200 * NS_PER_US));
  const writeNs = Math.round(2.1 * NS_PER_MS + prng.exponential(400 * NS_PER_US));
  const queueNs = Math.round(prng.exponential(150 * NS_PER_US));
  const unexplainedNs = Math.round(wallNs * 0.012);
  const blockedNs = wallNs - userNs - writeNs - queueNs - unexplainedNs;
  const fdPath = hostile ? `/tmp/${HOSTILE_NAMES[i % HOSTILE_NAMES.length]}` : '/var/lib/app/journal.log';
  const account: StallAccount = {
    userNs,
    system: [{ call: 'pwrite64', ns: writeNs }],
    irqNs: 0,
    stealNs: 0,
    runQueue: { totalNs: queueNs, contended: [], idleNs: 0, unknownNs: queueNs },
    blocked: [
      {
        call: 'fsync',
        ns: blockedNs,
        count: 2,
        fd: 21,
        fdPath,
        uninterruptible: true,
        waker: { pid: 312, comm: 'jbd2/vda1-8' },
        kernelStack: ['jbd2_log_wait_commit', 'ext4_sync_file', 'do_fsync', '__x64_sys_fsync'],
        userStack: [
          'fsync (libc.so.6)',
          hostile ? HOSTILE_NAMES[1] : 'Journal::commit() (app)',
          'main (app)',
        ],
      },
    ],
    unexplainedNs,
  };
  return {
    ...common(prng, loopIndex, startNs, wallNs, account, i),
    kind: 'work',
    requestedTimeoutNs: null,
    allowedSlackNs: 0,
    involuntarySwitches: 0,
    reclaimNs: Math.round(writeNs / 3),
    dirtyPauseNs: i % 2 === 0 ? Math.round(blockedNs / 5) : 0,
    stacks: [
      {
        count: 4 + prng.below(6),
        inKernel: true,
        frames: ['copy_from_user', 'generic_perform_write', 'ext4_buffered_write_iter', '__x64_sys_pwrite64'],
        userFrames: ['pwrite64 (libc.so.6)', 'Journal::append() (app)', 'main (app)'],
      },
      {
        count: 1,
        inKernel: false,
        frames: ['uv__fs_write', 'node::fs::WriteBuffer'],
        cutBecause: 'copy ended',
      },
    ],
  };
}

function common(
  prng: Prng,
  loopIndex: number,
  startNs: number,
  wallNs: number,
  account: StallAccount,
  index: number,
) {
  return {
    loopIndex,
    startNs,
    wallNs,
    eventCount: 1 + prng.below(6),
    peekCount: 0,
    cpu: loopIndex,
    // The scheduler probes are armed by the first stall: it is the only one known from counters.
    detail: index === 0 ? ('counters' as const) : ('full' as const),
    minorFaults: prng.below(2),
    majorFaults: 0,
    voluntarySwitches: account.blocked.length > 0 ? 2 : 0,
    account,
  };
}
