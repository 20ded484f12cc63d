/** What the armed probes are given by user space: room for copies of stacks, credit to send them, and memory's tracepoints. */
import { attachTracepoint } from '../../kernel/bpf/attach.ts';
import type { LoadedObject } from '../../kernel/bpf/light-skeleton.ts';
import type { Tracefs } from '../../kernel/bpf/tracefs.ts';
import { closeFd } from '../../kernel/sockets.ts';
import { control } from '../probes/layouts.ts';

/** At 0.2 ms to unwind one, 40 a second are 0.8 % of a CPU; the first stalls are the ones to learn from. */
const CREDIT_PER_SEC = 40;
const CREDIT_LIMIT = 200;

/** Stacks that the probes may send: a bucket that fills at a steady rate. */
export function createStackCredit(controlView: DataView, nowNs: () => number): { step(): void } {
  let lastNs = nowNs();
  let fraction = 0;
  controlView.setUint32(control.at.stack_credit, CREDIT_LIMIT, true);
  return {
    step() {
      const now = nowNs();
      fraction += ((now - lastNs) / 1e9) * CREDIT_PER_SEC;
      lastNs = now;
      const whole = Math.floor(fraction);
      if (whole === 0) return;
      fraction -= whole;
      const left = controlView.getUint32(control.at.stack_credit, true);
      // A probe may spend one in between: then one more is sent than was granted.
      controlView.setUint32(control.at.stack_credit, Math.min(CREDIT_LIMIT, left + whole), true);
    },
  };
}

export type StackSlots = {
  /** 1 and up; 0 when none is left. The same loop keeps its own. */
  take(loopIndex: number): number;
  release(loopIndex: number): void;
};

export function createStackSlots(limit: number): StackSlots {
  const free = Array.from({ length: limit }, (_, i) => limit - i);
  const taken = new Map<number, number>();
  return {
    take(loopIndex) {
      const slot = taken.get(loopIndex) ?? free.pop() ?? 0;
      if (slot > 0) taken.set(loopIndex, slot);
      return slot;
    },
    release(loopIndex) {
      const slot = taken.get(loopIndex);
      if (slot !== undefined) free.push(slot);
      taken.delete(loopIndex);
    },
  };
}

const MEMORY_PROBES: readonly [tracepoint: string, program: string][] = [
  ['writeback/balance_dirty_pages', 'on_dirty_pages'],
  ['vmscan/mm_vmscan_direct_reclaim_begin', 'on_reclaim_begin'],
  ['vmscan/mm_vmscan_direct_reclaim_end', 'on_reclaim_end'],
  ['vmscan/mm_vmscan_memcg_reclaim_begin', 'on_reclaim_begin'],
  ['vmscan/mm_vmscan_memcg_reclaim_end', 'on_reclaim_end'],
];

/** Reclaim and pauses for dirty pages; a tracepoint that this kernel lacks is left out. */
export function createMemoryProbes(object: LoadedObject, tracefs: Tracefs) {
  const fds: number[] = [];
  const detach = () => {
    for (const fd of fds.splice(0)) closeFd(fd);
  };
  return {
    attach(on: boolean): void {
      if (!on) detach();
      if (!on || fds.length > 0) return;
      for (const [tracepoint, program] of MEMORY_PROBES) {
        const id = tracefs.tracepointId(tracepoint);
        if (id !== null) fds.push(attachTracepoint(object.programs.get(program)!, id));
      }
    },
    [Symbol.dispose]: detach,
  };
}
