/**
 * Where the hypervisor's own steal clock lies. The scheduler's copy of it is renewed at ticks and wake-ups, and never
 * within an interrupt; what KVM writes is exact at any moment. It has no name that a program could be linked to, but the
 * kernel's types say where it lies among the variables that each CPU has, as they say of the CPU's run queue, which every
 * task refers to: so the distance between the two is all that the probes need.
 */
import { type Btf, readVmlinuxBtf } from '../../kernel/btf.ts';

const SECTION = '.data..percpu';

let distance: number | undefined;

/** From a CPU's struct rq to its struct kvm_steal_time, in bytes. 0: this kernel is not built to be a guest of KVM. */
export function stealDistance(): number {
  distance ??= read();
  return distance;
}

function read(): number {
  let btf: Btf | null;
  try {
    btf = readVmlinuxBtf();
  } catch {
    // A later kernel's types, which this reader does not know: then the scheduler's copy has to do.
    return 0;
  }
  const queues = btf?.variableOffset(SECTION, 'runqueues') ?? null;
  const clock = btf?.variableOffset(SECTION, 'steal_time') ?? null;
  return queues === null || clock === null ? 0 : clock - queues;
}
