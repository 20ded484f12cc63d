/**
 * The kernel half of what every command starts, tied to its events for the windows that are watched and only there.
 *
 * "T0" is what always runs: the cycle probes. "T1" has the scheduler probes armed all the time, as under suspicion.
 * "kernel" is the part of both that no program takes: one that never runs, on the exit of a call that nobody makes. As soon
 * as any system call is traced, the kernel takes every call of every task through its slow way out.
 * "control" ties nothing: what the method itself sees where there is nothing to see.
 */

import { attachTracepoint } from '../../src/kernel/bpf/attach.ts';
import { openTracefs } from '../../src/kernel/bpf/tracefs.ts';
import { closeFd } from '../../src/kernel/sockets.ts';
import { totals } from '../../src/observe/probes/layouts.ts';
import { type BpfTier, startBpfTier } from '../../src/observe/tiers/bpf-tier.ts';
import { FIRST_BUDGET_NS } from '../../src/observe/windows/budget.ts';

/** As `watch` polls. */
const POLL_MS = 125;
const UNUSED_CALL = 'syscalls/sys_exit_sethostname';

export type ObserverVariant = {
  readonly name: string;
  /** Untied when disposed of. `cycles`: counted so far; null where none are. */
  tie(): Disposable & { cycles(): number | null };
  [Symbol.dispose](): void;
};

export const VARIANT_NAMES = ['T0', 'T1', 'kernel', 'control'];

/** Throws PERMISSION or BPF_LOAD. */
export function observerVariant(name: string, tid: number): ObserverVariant {
  if (name === 'control')
    return { name, tie: () => ({ cycles: () => null, [Symbol.dispose]() {} }), [Symbol.dispose]() {} };
  const tier = startBpfTier({
    armed: name === 'T1' ? 'always' : 'never',
    nowNs: () => performance.now() * 1e6,
    onStallRecord: () => {},
    onTierChange: () => {},
  });
  tier.setBudgetNs(FIRST_BUDGET_NS);
  tier.limitArming('none', 'not yet');
  tier.seeCycles(false);
  const tie = name === 'kernel' ? () => tieUnused(tier) : () => tieLoop(tier, tid);
  return { name, tie, [Symbol.dispose]: () => tier[Symbol.dispose]() };
}

function tieLoop(tier: BpfTier, tid: number) {
  tier.seeCycles(true);
  tier.addLoop(0, tid, ['epoll_wait']);
  tier.limitArming('all', 'watched');
  const polls = setInterval(() => tier.poll(), POLL_MS);
  return {
    cycles: () => Number(tier.totalsOf(0).getBigUint64(totals.at.cycles, true)),
    [Symbol.dispose]() {
      clearInterval(polls);
      tier.limitArming('none', 'not watched');
      tier.removeLoop(0, tid);
      tier.seeCycles(false);
    },
  };
}

function tieUnused(tier: BpfTier) {
  using tracefs = openTracefs();
  const id = tracefs.tracepointId(UNUSED_CALL);
  if (id === null) throw new Error(`no tracepoint ${UNUSED_CALL}`);
  const fd = attachTracepoint(tier.programs.get('on_accept_exit')!, id);
  return { cycles: () => null, [Symbol.dispose]: () => closeFd(fd) };
}
