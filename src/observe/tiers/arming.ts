/**
 * Arming: whether the scheduler probes, the interrupt probes and the CPU samples are on. A state with hysteresis, and
 * with a price: every change is reported with its reason.
 */

import { attachCpuClock, attachTracing, enablePerfEvent } from '../../kernel/bpf/attach.ts';
import { mapArray } from '../../kernel/bpf/map.ts';
import { closeFd } from '../../kernel/sockets.ts';
import type { ArmingLimit } from '../cost/cpu-holder.ts';
import { CPU_LIMIT, cpu_memory } from '../probes/layouts.ts';

export type Arming = 'auto' | 'always' | 'never';

export type ArmingOptions = {
  programs: ReadonlyMap<string, number>;
  /** Descriptor of the map of cpu_memory. */
  cpuMemories: number;
  mode: Arming;
  nowNs: () => number;
  /** Tells the probes which arming this is; 0: none. */
  setEpoch: (epoch: number) => void;
  onChange: (tier: string, why: string) => void;
};

/** Faults come back: seconds apart they would each be met unarmed if the probes went with the first. */
const STAY_ARMED_NS = 10e9;
const SAMPLES_PER_SEC = 999;
/**
 * Soft interrupts a second, on all CPUs, from which the interrupt probes cost more than they tell: at 0.1 to 0.2 µs for
 * each, 50 000 are 0.5 to 1 % of a CPU. A server saturated over loopback makes several for each request.
 */
const SOFT_IRQ_LIMIT_PER_SEC = 50_000;
const SOFT_IRQ_SPAN_NS = 100e6;

const SCHED_PROGRAMS = ['on_switch', 'on_waking', 'on_migrate'];
const IRQ_PROGRAMS = ['on_softirq_entry', 'on_softirq_exit', 'on_irq_entry', 'on_irq_exit'];

export function createArming(options: ArmingOptions) {
  const { nowNs, programs, onChange } = options;
  const memories = mapArray(options.cpuMemories, CPU_LIMIT * cpu_memory.byteLength);
  const memory = new DataView(memories.buffer);
  // Opened when armed: even a disabled event makes its thread's context switches dearer.
  const clocks = new Map<number, number>();
  const threads = new Set<number>();
  const sched: number[] = [];
  const irqs: number[] = [];
  let epoch = 0;
  let armed = false;
  let sinceNs = 0;
  let totalNs = 0;
  let lastStallNs = 0;
  let irqsTooDear = false;
  let limit: ArmingLimit = 'all';
  let spanStartNs = 0;
  let softIrqsAtSpan = 0;

  const softIrqs = () => {
    let sum = 0;
    for (let cpu = 0; cpu < CPU_LIMIT; cpu++)
      sum += memory.getUint32(cpu * cpu_memory.byteLength + cpu_memory.at.soft_irqs, true);
    return sum;
  };
  const closeAll = (fds: number[]) => {
    for (const fd of fds.splice(0)) closeFd(fd);
  };
  const attachIrqs = () => {
    for (const name of IRQ_PROGRAMS) irqs.push(attachTracing(programs.get(name)!));
    spanStartNs = nowNs();
    softIrqsAtSpan = softIrqs();
  };
  const detachIrqs = () => {
    closeAll(irqs);
    // An interrupt under way would stay "in" for ever, now that nobody sees its end.
    for (let cpu = 0; cpu < CPU_LIMIT; cpu++) {
      memory.setUint32(cpu * cpu_memory.byteLength + cpu_memory.at.in_irq, 0, true);
      memory.setBigUint64(cpu * cpu_memory.byteLength + cpu_memory.at.soft_ns, 0n, true);
    }
  };
  const watchIrqs = () => {
    const spanNs = nowNs() - spanStartNs;
    if (irqs.length === 0 || spanNs < SOFT_IRQ_SPAN_NS) return;
    const perSec = Math.round(((softIrqs() - softIrqsAtSpan) / spanNs) * 1e9);
    spanStartNs = nowNs();
    softIrqsAtSpan = softIrqs();
    if (perSec <= SOFT_IRQ_LIMIT_PER_SEC) return;
    irqsTooDear = true;
    detachIrqs();
    onChange('armed, without interrupts', `${perSec} soft interrupts a second would cost too much to time`);
  };

  const levelName = () =>
    limit === 'no-samples'
      ? 'armed, without interrupts and samples'
      : irqsTooDear
        ? 'armed, without interrupts'
        : 'armed';
  const openClock = (tid: number) => {
    if (limit !== 'all' || clocks.has(tid)) return;
    try {
      const fd = attachCpuClock(programs.get('on_sample')!, tid, SAMPLES_PER_SEC);
      clocks.set(tid, fd);
      enablePerfEvent(fd, true);
    } catch {
      // The thread is gone, or perf events are refused: its stalls are accounted without samples.
    }
  };
  const closeClock = (tid: number) => {
    const fd = clocks.get(tid);
    if (fd !== undefined) closeFd(fd);
    clocks.delete(tid);
  };

  const setDown = () => {
    if (!armed) return;
    armed = false;
    totalNs += nowNs() - sinceNs;
    options.setEpoch(0);
    for (const tid of threads) closeClock(tid);
    closeAll(sched);
    detachIrqs();
  };
  /** To the present limit. A new epoch: an account that began with other probes is not called full. */
  const refit = () => {
    if (limit === 'all') {
      if (!irqsTooDear && irqs.length === 0) attachIrqs();
      for (const tid of threads) openClock(tid);
    } else {
      for (const tid of threads) closeClock(tid);
      detachIrqs();
    }
    options.setEpoch(++epoch);
  };

  const arming = {
    arm(why: string): void {
      if (armed || limit === 'none') return;
      armed = true;
      sinceNs = lastStallNs = nowNs();
      for (const name of SCHED_PROGRAMS) sched.push(attachTracing(programs.get(name)!));
      if (!irqsTooDear && limit === 'all') attachIrqs();
      for (const tid of threads) openClock(tid);
      // Last, so that an account is called full only when every probe was there from its first moment.
      options.setEpoch(++epoch);
      onChange(levelName(), why);
    },
    /** Lowers or raises what may be armed; what is armed now changes at once, and is named. */
    limitTo(next: ArmingLimit, why: string): string {
      if (next !== limit) {
        limit = next;
        if (limit === 'none') setDown();
        else if (armed) refit();
        else if (options.mode === 'always') arming.arm(why);
      }
      return armed ? levelName() : 'base';
    },
    disarm(why: string): void {
      if (!armed) return;
      setDown();
      onChange('base', why);
    },
    /** Once a poll. */
    step(sawStall: boolean): void {
      if (sawStall) lastStallNs = nowNs();
      if (armed) watchIrqs();
      if (options.mode !== 'auto') return;
      if (sawStall) arming.arm('a cycle was over budget');
      else if (armed && nowNs() - lastStallNs > STAY_ARMED_NS) {
        arming.disarm(`no stall for ${STAY_ARMED_NS / 1e9} s`);
      }
    },
    addThread(tid: number): void {
      threads.add(tid);
      if (armed) openClock(tid);
    },
    removeThread(tid: number): void {
      threads.delete(tid);
      closeClock(tid);
    },
    armedNs: () => totalNs + (armed ? nowNs() - sinceNs : 0),
    [Symbol.dispose](): void {
      arming.disarm('end');
      memories[Symbol.dispose]();
    },
  };
  return arming;
}
