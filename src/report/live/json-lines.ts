/**
 * The stream of `watch --json`: one JSON object a line, documented in docs/reference/watch-json.md. Keys are snake_case,
 * times ns since the run began, shares 0 to 1, absent things null. Every object has `type` and `at_ns`.
 */

import { histogramQuantile, sumHistograms } from '../../diagnose/facts/cycle-histogram.ts';
import type { LiveListener, ObserverStatus, OpenStall } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, ObserverLosses, Stall } from '../../record/observation.ts';
import { accountObject } from '../json/observation-object.ts';
import { addAccounts } from '../model/stall-account.ts';
import { isoTime } from '../text/wall-clock.ts';
import { causeOf, openCauseOf, type StallCause } from './cause.ts';

/** Raised when a reader of the older shape would be misled; new types and keys do not raise it. */
const STREAM_VERSION = 1;

export function startObject(command: readonly string[], startedWallMs: number, host: string) {
  return {
    type: 'start',
    at_ns: 0,
    stream_version: STREAM_VERSION,
    started_at: isoTime(startedWallMs),
    host,
    command,
  };
}

export function loopObject(record: LoopRecord) {
  return {
    type: 'loop',
    at_ns: record.endNs ?? record.startNs,
    loop: record.loopIndex,
    state: record.endNs === null ? 'found' : 'gone',
    pid: record.pid,
    tid: record.tid,
    comm: record.comm,
    command_line: record.commandLine,
    wait_call: record.waitCall,
    cgroup: record.cgroupPath,
  };
}

export function windowObject(window: CycleWindow) {
  const work = sumHistograms([window.workHistogram]);
  return {
    type: 'window',
    at_ns: window.startNs + window.durationNs,
    loop: window.loopIndex,
    duration_ns: window.durationNs,
    cycles: window.cycleCount,
    peeks: window.peekCount,
    events: window.eventCount,
    timeouts: window.timeoutCount,
    work_ns: window.workNs,
    wait_ns: window.waitNs,
    work_p50_ns: histogramQuantile(work, 0.5),
    work_p99_ns: histogramQuantile(work, 0.99),
    work_histogram: window.workHistogram,
    accepts: window.acceptCount,
    accepts_first_eagain: window.acceptFirstEagainCount,
    accepts_tail_eagain: window.acceptTailEagainCount,
    cpu_ns: window.cpuNs,
    cpu_user_ns: window.cpuUserNs,
    cpu_system_ns: window.cpuSystemNs,
    run_queue_ns: window.runDelayNs,
    voluntary_switches: window.voluntarySwitches,
    involuntary_switches: window.involuntarySwitches,
    minor_faults: window.minorFaults,
    major_faults: window.majorFaults,
    blocked_share: window.blockedShare,
  };
}

export function observerObject(atNs: number, status: ObserverStatus) {
  return {
    type: 'observer',
    at_ns: atNs,
    tier: status.tier,
    level: status.level,
    budget_ns: status.budgetNs,
    own_cpus: status.ownCpus,
    probe_cpus: status.programCpus,
    cpu_budget: status.cpuBudgetShare,
    losses: lossesObject(status.losses),
  };
}

export function stallObject(stall: Stall, openIndex: number | null) {
  return {
    type: 'stall',
    at_ns: stall.startNs + stall.wallNs,
    loop: stall.loopIndex,
    open: openIndex,
    ...stallParts(stall, causeOf(stall)),
  };
}

export function openStallObject(open: OpenStall) {
  return {
    type: 'open_stall',
    at_ns: open.startNs + open.wallNs,
    loop: open.loopIndex,
    open: open.openIndex,
    state: open.state,
    call: open.call,
    fd_path: open.fdPath,
    kernel_stack: open.kernelStack,
    user_stack: open.userStack,
    user_stack_at_ns: open.userStackAtNs,
    ...stallParts(open.stall, openCauseOf(open)),
  };
}

export function openStallEndObject(atNs: number, end: Parameters<LiveListener['onOpenStallEnd']>[0]) {
  return {
    type: 'open_stall_end',
    at_ns: atNs,
    loop: end.loopIndex,
    open: end.openIndex,
    how: end.how,
    wall_ns: end.wallNs,
  };
}

export function tierObject({ atNs, tier, why }: { atNs: number; tier: string; why: string }) {
  return { type: 'tier', at_ns: atNs, level: tier, why };
}

/** What --on-stall's command reads: the stall, whose it was, and when and where, to be found in other logs. */
export function evidenceObject(
  evidence: { start_ns: number },
  loop: LoopRecord | undefined,
  { startedWallMs, host }: { startedWallMs: number | null; host: string },
) {
  return {
    ...evidence,
    began_at: startedWallMs === null ? null : isoTime(startedWallMs + evidence.start_ns / 1e6),
    host,
    process: loop === undefined ? null : loopObject(loop),
  };
}

function stallParts(stall: Stall, cause: StallCause) {
  const total = addAccounts([stall]);
  return {
    kind: stall.kind,
    start_ns: stall.startNs,
    wall_ns: stall.wallNs,
    events: stall.eventCount,
    cpu: stall.cpu,
    detail: stall.detail,
    cause: cause.text,
    top_frame: cause.frame,
    account: accountObject(total),
    parts: total.parts.map(({ group, what, detail, ns }) => ({
      group: group.replace('-', '_'),
      what,
      detail,
      ns,
    })),
    stacks: stall.stacks.map(({ count, inKernel, frames }) => ({ count, in_kernel: inKernel, frames })),
  };
}

function lossesObject(losses: ObserverLosses) {
  return {
    ring_buffer_drops: losses.ringBufferDrops,
    map_full_drops: losses.mapFullDrops,
    stalls_not_kept: losses.stallsNotKept,
    decode_errors: losses.decodeErrors,
    stacks_not_kept: losses.stacksNotKept ?? 0,
    addresses_not_named: losses.addressesNotNamed ?? 0,
  };
}
