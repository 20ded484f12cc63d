/**
 * The tier that sees every cycle. Two probes a cycle always; the scheduler probes, interrupts and CPU samples only while
 * armed: from the first stall until two seconds after the last.
 */
import { attachCpuClock, attachTracepoint, attachTracing, enablePerfEvent } from '../kernel/bpf/attach.ts';
import { type LoadedObject, loadSkeleton } from '../kernel/bpf/light-skeleton.ts';
import { deleteElement, mapArray, updateElement } from '../kernel/bpf/map.ts';
import { openRingBuffer } from '../kernel/bpf/ring-buffer.ts';
import { openTracefs, type Tracefs } from '../kernel/bpf/tracefs.ts';
import { offHeap } from '../kernel/libc.ts';
import { closeFd } from '../kernel/sockets.ts';
import { control, LOOP_LIMIT, loop_state, totals } from './probes/layouts.ts';
import { WAIT_CALLS } from './wait-calls.ts';

export type Arming = 'auto' | 'always' | 'never';

export type BpfTierOptions = {
  armed: Arming;
  nowNs: () => number;
  onStallRecord: (bytes: Uint8Array) => void;
  /** Of the ring of stalls; small in tests of losses. */
  ringBytes?: number;
  onTierChange: (tier: string, why: string) => void;
};

export type BpfTier = {
  /** Begins to watch a thread under an index below LOOP_LIMIT; `waitKinds` is a mask of WAIT_KIND bits. */
  addLoop(loopIndex: number, tid: number, waitCallNames: string[]): void;
  removeLoop(loopIndex: number, tid: number): void;
  setBudgetNs(budgetNs: number): void;
  /** Takes what the ring has, and arms or disarms. */
  poll(): void;
  /** The kernel's own totals of a loop, live. Fields by probes/layouts.ts. */
  totalsOf(loopIndex: number): DataView;
  ringDrops(): number;
  armedNs(): number;
  readonly programs: ReadonlyMap<string, number>;
  [Symbol.dispose](): void;
};

const DEFAULT_RING_BYTES = 1 << 20;
const SAMPLES_PER_SEC = 999;
const STAY_ARMED_NS = 2e9;
const ACCEPT_CALLS = ['accept', 'accept4'];
const ARMED_PROGRAMS = [
  'on_switch',
  'on_waking',
  'on_migrate',
  'on_softirq_entry',
  'on_softirq_exit',
  'on_irq_entry',
  'on_irq_exit',
];

/** Loads and attaches. Throws PERMISSION or BPF_LOAD; whatever was opened until then is closed again. */
export function startBpfTier(options: BpfTierOptions): BpfTier {
  using stack = new DisposableStack();
  const ringBytes = options.ringBytes ?? DEFAULT_RING_BYTES;
  const object = stack.use(
    loadSkeleton(new URL('./probes/observer.skel.bin', import.meta.url), { stalls: ringBytes }),
  );
  const tracefs = stack.use(openTracefs());
  const ring = stack.use(openRingBuffer(object.maps.get('stalls')!, ringBytes));
  const totalsMapping = stack.use(mapArray(object.maps.get('totals')!, LOOP_LIMIT * totals.byteLength));
  const controlMapping = stack.use(mapArray(object.maps.get('control')!, control.byteLength));
  const controlView = new DataView(controlMapping.buffer);
  const attached = new Set<string>();
  const fds: number[] = [];
  stack.defer(() => {
    for (const fd of fds) closeFd(fd);
  });
  const clocks = new Map<number, number>();
  stack.defer(() => {
    for (const fd of clocks.values()) closeFd(fd);
  });

  declareWaitCalls(object);
  for (const call of ACCEPT_CALLS) attachExit(object, tracefs, call, 'on_accept_exit', fds);

  const arming = createArming(object, options, controlView, clocks);
  stack.defer(() => arming.disarm('end'));
  if (options.armed === 'always') arming.arm('asked to');
  const owned = stack.move();

  return {
    programs: object.programs,
    addLoop(loopIndex, tid, waitCallNames) {
      let kinds = 0;
      for (const call of WAIT_CALLS) {
        if (!waitCallNames.includes(call.name)) continue;
        kinds |= 1 << call.kind;
        if (attached.has(call.name)) continue;
        attached.add(call.name);
        const id = tracefs.tracepointId(`syscalls/sys_enter_${call.name}`);
        if (id === null) continue;
        fds.push(attachTracepoint(object.programs.get('on_wait_enter')!, id));
        attachExit(object, tracefs, call.name, 'on_wait_exit', fds);
      }
      const state = offHeap(loop_state.byteLength);
      new DataView(state.buffer).setUint32(loop_state.at.kinds, kinds, true);
      updateElement(object.maps.get('states')!, loopIndex, state);
      const index = offHeap(4);
      new DataView(index.buffer).setUint32(0, loopIndex, true);
      updateElement(object.maps.get('loop_of_tid')!, tid, index);
      arming.addThread(tid);
    },
    removeLoop(_loopIndex, tid) {
      deleteElement(object.maps.get('loop_of_tid')!, tid);
      const clock = clocks.get(tid);
      if (clock !== undefined) closeFd(clock);
      clocks.delete(tid);
    },
    setBudgetNs: (budgetNs) =>
      controlView.setBigUint64(control.at.budget_ns, BigInt(Math.round(budgetNs)), true),
    poll() {
      const count = ring.read(options.onStallRecord);
      arming.step(count > 0);
    },
    totalsOf: (loopIndex) =>
      new DataView(totalsMapping.buffer, loopIndex * totals.byteLength, totals.byteLength),
    ringDrops: () => Number(controlView.getBigUint64(control.at.ring_drops, true)),
    armedNs: () => arming.armedNs(),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function declareWaitCalls(object: LoadedObject): void {
  const value = offHeap(4);
  for (const call of WAIT_CALLS) {
    new DataView(value.buffer).setUint32(0, call.kind, true);
    updateElement(object.maps.get('wait_kinds')!, call.number, value);
  }
}

function attachExit(
  object: LoadedObject,
  tracefs: Tracefs,
  call: string,
  program: string,
  fds: number[],
): void {
  const id = tracefs.tracepointId(`syscalls/sys_exit_${call}`);
  if (id !== null) fds.push(attachTracepoint(object.programs.get(program)!, id));
}

/** Arming is a state with hysteresis; every change is reported, with its reason. */
function createArming(
  object: LoadedObject,
  options: BpfTierOptions,
  controlView: DataView,
  clocks: Map<number, number>,
) {
  const fds: number[] = [];
  let epoch = 0;
  let armed = false;
  let sinceNs = 0;
  let totalNs = 0;
  let lastStallNs = Number.NEGATIVE_INFINITY;
  const arming = {
    arm(why: string) {
      if (armed) return;
      armed = true;
      sinceNs = options.nowNs();
      lastStallNs = sinceNs;
      for (const name of ARMED_PROGRAMS) fds.push(attachTracing(object.programs.get(name)!));
      for (const fd of clocks.values()) enablePerfEvent(fd, true);
      // Last, so that an account is called full only when every probe was there from its first moment.
      controlView.setUint32(control.at.armed, ++epoch, true);
      options.onTierChange('armed', why);
    },
    disarm(why: string) {
      if (!armed) return;
      armed = false;
      totalNs += options.nowNs() - sinceNs;
      controlView.setUint32(control.at.armed, 0, true);
      for (const fd of clocks.values()) enablePerfEvent(fd, false);
      for (const fd of fds.splice(0)) closeFd(fd);
      options.onTierChange('base', why);
    },
    step(sawStall: boolean) {
      if (sawStall) lastStallNs = options.nowNs();
      if (options.armed !== 'auto') return;
      if (sawStall) arming.arm('a cycle was over budget');
      else if (armed && options.nowNs() - lastStallNs > STAY_ARMED_NS) arming.disarm('no stall for 2 s');
    },
    addThread(tid: number) {
      if (options.armed === 'never') return;
      try {
        const fd = attachCpuClock(object.programs.get('on_sample')!, tid, SAMPLES_PER_SEC);
        clocks.set(tid, fd);
        if (armed) enablePerfEvent(fd, true);
      } catch {
        // The thread is gone, or perf events are refused: its stalls are accounted without samples.
      }
    },
    armedNs: () => totalNs + (armed ? options.nowNs() - sinceNs : 0),
  };
  return arming;
}
