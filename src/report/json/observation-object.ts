import type { ObservationRecord } from '../../record/observation.ts';
import { type LoopRow, loopRows } from '../model/loop-rows.ts';
import { programCpus } from '../model/observer-cost.ts';
import { ranInstead } from '../model/ran-instead.ts';
import { type AccountTotal, addAccounts, groupTotals } from '../model/stall-account.ts';

/** Stalls listed one by one, longest first. All of them are in the run file. */
const LONGEST_STALLS = 20;

export function observationObject(observation: ObservationRecord, selfPids: readonly number[]) {
  const { stalls, cost, losses } = observation;
  const total = addAccounts(stalls);
  return {
    tier: observation.tier,
    duration_ns: observation.endNs - observation.startNs,
    budget_ns: observation.budgetNs,
    stalls: {
      count: stalls.length,
      work: stalls.filter((stall) => stall.kind === 'work').length,
      wait: stalls.filter((stall) => stall.kind === 'wait').length,
      wall_ns: total.wallNs,
      account: accountObject(total),
      parts: total.parts.map((part) => ({
        group: part.group.replace('-', '_'),
        what: part.what,
        detail: part.detail,
        ns: part.ns,
        share: part.share,
      })),
      longest: longestStalls(observation),
    },
    loops: loopRows(observation).map(loopObject),
    ran_instead: ranInstead(observation, selfPids).map((who) => ({
      pid: who.pid,
      comm: who.comm,
      command_line: who.commandLine,
      kernel_thread: who.kernelThread,
      role: who.role,
      ns: who.ns,
      share: who.share,
      stalls: who.stallCount,
    })),
    cost: {
      own_cpu_ns: cost.ownCpuNs,
      wall_ns: cost.wallNs,
      probe_cpus: programCpus(cost),
      probe_sampled_share: cost.sampledShare,
      armed_ns: cost.armedNs,
      tier_changes: cost.tierChanges.map(({ atNs, tier, why }) => ({ at_ns: atNs, tier, why })),
    },
    losses: {
      ring_buffer_drops: losses.ringBufferDrops,
      map_full_drops: losses.mapFullDrops,
      stalls_not_kept: losses.stallsNotKept,
      decode_errors: losses.decodeErrors,
      stacks_not_kept: losses.stacksNotKept ?? 0,
      addresses_not_named: losses.addressesNotNamed ?? 0,
    },
  };
}

function longestStalls(observation: ObservationRecord) {
  return [...observation.stalls]
    .sort((a, b) => b.wallNs - a.wallNs)
    .slice(0, LONGEST_STALLS)
    .map((stall) => ({
      loop: stall.loopIndex,
      kind: stall.kind,
      start_ns: stall.startNs,
      wall_ns: stall.wallNs,
      events: stall.eventCount,
      parts: addAccounts([stall]).parts.map(({ group, what, detail, ns }) => ({
        group: group.replace('-', '_'),
        what,
        detail,
        ns,
      })),
      minor_faults: stall.minorFaults,
      major_faults: stall.majorFaults,
      reclaim_ns: stall.reclaimNs ?? 0,
      dirty_pause_ns: stall.dirtyPauseNs ?? 0,
      samples: stall.stacks.map(({ count, inKernel, frames, userFrames, cutBecause }) => ({
        count,
        kernel: inKernel ? frames : [],
        user: inKernel ? (userFrames ?? []) : frames,
        cut_because: cutBecause ?? null,
      })),
      blocked: stall.account.blocked.map((slice) => ({
        call: slice.call,
        ns: slice.ns,
        waker: slice.waker,
        kernel: slice.kernelStack,
        user: slice.userStack ?? [],
        cut_because: slice.userStackCut ?? null,
      })),
    }));
}

function loopObject(row: LoopRow) {
  const { record } = row;
  return {
    loop: row.loopIndex,
    pid: record.pid,
    tid: record.tid,
    comm: record.comm,
    wait_call: record.waitCall,
    cpus_allowed: record.cpusAllowed,
    cgroup: record.cgroupPath,
    cpu_quota: record.cpuQuota,
    cycles: row.cycleCount,
    cycles_per_sec: row.cyclesPerSec,
    work_p50_ns: row.workNsP50,
    work_p99_ns: row.workNsP99,
    work_max_ns: row.workNsMax,
    events_per_wake_up: row.eventsPerWakeUp,
    busy_share: row.busyShare,
    cpu_share: row.cpuShare,
    run_queue_ns: row.runDelayNs,
    stalls: row.stallCount,
    stalled_ns: row.stalledNs,
    accepts: row.acceptCount,
    accepts_first_eagain: row.acceptFirstEagainCount,
    blocked_share: row.blockedShare,
  };
}

/** The time of stalls by group, as every JSON of ours writes it. */
export function accountObject(total: AccountTotal) {
  const groups = groupTotals(total);
  return {
    user_ns: groups.user,
    system_ns: groups.system,
    irq_ns: groups.irq,
    steal_ns: groups.steal,
    run_queue_ns: groups['run-queue'],
    blocked_ns: groups.blocked,
    unexplained_ns: groups.unexplained,
  };
}
